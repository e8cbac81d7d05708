"""Flyte 2 leaf tasks run as attempts; they need no control plane, only storage."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flyte_bridge.embedded.executor import AttemptEnding


@pytest.mark.parametrize("forkservers", [True, False])
@pytest.mark.parametrize("task", ["v2.double", "v2.double_sync"])
def test_a_task_runs(world: Any, task: str, forkservers: bool, no_processes_left: None) -> None:
    """`a0` reads inputs.pb and leaves outputs.pb, forked or not, async or not."""

    async def main() -> None:
        async with world(forkservers=forkservers) as w:
            outcome = await w.run(w.job(task, x=21))
            assert w.outputs(outcome) == 42
            assert outcome.exit_code == 0

    asyncio.run(main())


def test_the_log_has_what_the_task_prints(world: Any) -> None:
    """Standard output and error go to the attempt's own log."""

    async def main() -> None:
        async with world() as w:
            job = w.job("v2.double", x=21)
            await w.run(job)
            text = job.log_path.read_text()
            assert "doubling 21" in text
            assert "runtime completed" in text

    asyncio.run(main())


def test_the_log_level_of_a_run_is_honoured(world: Any) -> None:
    """LOG_LEVEL is read by an import; the forked child has its logger read it again."""

    async def main() -> None:
        async with world() as w:
            quiet, loud = w.job("v2.double", "n0", x=1), w.job("v2.double", "n1", x=1)
            await w.run(quiet)
            await w.run(loud, env={"LOG_LEVEL": "10"})
            assert "DEBUG" not in quiet.log_path.read_text()
            assert "DEBUG" in loud.log_path.read_text()

    asyncio.run(main())


def test_an_error_is_read_from_error_pb(world: Any) -> None:
    """Flyte 2's runtime keeps the exit-0 contract; its errors are recoverable unless they say otherwise."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("v2.fails", message="no luck"))
            assert (outcome.ending, outcome.exit_code) == (AttemptEnding.FAILED, 0)
            assert outcome.failure.code == "ValueError"
            assert "no luck" in outcome.failure.message
            assert not outcome.failure.system

    asyncio.run(main())


def test_a_crash_is_seen(world: Any) -> None:
    """A process that ends without a word is not a success."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("v2.dies", code=4))
            assert (outcome.ending, outcome.exit_code) == (AttemptEnding.FAILED, 4)

    asyncio.run(main())


def test_a_report_is_found(world: Any) -> None:
    """report.html lies under the output prefix."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("v2.reports", n=7))
            assert outcome.report_uri.endswith("/report.html")
            assert b"<b>7</b>" in w.store.read(outcome.report_uri)

    asyncio.run(main())


def test_a_checkpoint_is_handed_to_the_next_attempt(world: Any) -> None:
    """The second attempt reads what the first one saved."""

    async def main() -> None:
        async with world() as w:
            first = w.job("v2.checkpoint", attempt=1, n=5)
            assert w.outputs(await w.run(first)) == 0
            second = w.job("v2.checkpoint", attempt=2, n=1)
            before = f"{first.output_prefix}/_flytecheckpoints"
            assert w.outputs(await w.run(second, previous_checkpoint_prefix=before)) == 5

    asyncio.run(main())


def test_the_context_names_run_action_and_attempt(world: Any) -> None:
    """`flyte.ctx()` knows where it is."""

    async def main() -> None:
        async with world() as w:
            assert w.outputs(await w.run(w.job("v2.context", "a7", attempt=3))) == "r1 a7 p 2"

    asyncio.run(main())
