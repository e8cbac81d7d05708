"""`core-sleep` waits without a process."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from flyteidl2.core.literals_pb2 import Literal, Primitive, Scalar
from flyteidl2.core.tasks_pb2 import TaskTemplate
from google.protobuf.duration_pb2 import Duration

from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.executor import AttemptEnding

SLEEP = TaskTemplate(type="core-sleep").SerializeToString()


def seconds(value: float) -> Literal:
    return Literal(
        scalar=Scalar(primitive=Primitive(duration=Duration(seconds=int(value), nanos=int(value % 1 * 1e9))))
    )


def test_it_sleeps_and_succeeds(world: Any) -> None:
    """No process, no room taken, no outputs."""

    async def main() -> None:
        async with world() as w:
            free = w.executor.slots.free
            began = time.monotonic()
            running = asyncio.ensure_future(w.run(w.job(SLEEP, duration=seconds(0.3))))
            await asyncio.sleep(0.1)
            assert w.executor.slots.free == free
            outcome = await running
            assert time.monotonic() - began >= 0.3
            assert (outcome.ending, outcome.exit_code) == (AttemptEnding.SUCCEEDED, None)
            assert [(event.phase, event.pid) for event in w.events] == [(Phase.RUNNING, None)]

    asyncio.run(main())


def test_a_restarted_server_sleeps_for_the_rest_only(world: Any) -> None:
    """The beginning is written down."""

    async def main() -> None:
        async with world() as w:
            job = w.job(SLEEP, duration=seconds(4))
            running = asyncio.ensure_future(w.run(job))
            await asyncio.sleep(3)
            await w.executor.stop()
            await asyncio.gather(running, return_exceptions=True)
            await w.again()
            began = time.monotonic()
            outcome = await w.run(job)
            assert time.monotonic() - began < 3
            assert (outcome.ended_at - outcome.started_at) / 1e6 >= 4

    asyncio.run(main())


def test_it_can_be_aborted(world: Any) -> None:
    """At once."""

    async def main() -> None:
        async with world() as w:
            job = w.job(SLEEP, duration=seconds(60))
            running = asyncio.ensure_future(w.run(job))
            await asyncio.sleep(0.05)
            await w.executor.kill(job.key)
            assert (await running).ending is AttemptEnding.ABORTED

    asyncio.run(main())


@pytest.mark.parametrize("inputs", [{}, {"x": 1}, {"x": seconds(0.1), "y": seconds(0.1)}])
def test_it_takes_one_duration(world: Any, inputs: dict[str, Any]) -> None:
    """Anything else is a bad task."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job(SLEEP, **inputs))
            assert (outcome.ending, outcome.failure.code) == (AttemptEnding.FAILED, "BadTaskSpecification")
            assert "duration" in outcome.failure.message

    asyncio.run(main())
