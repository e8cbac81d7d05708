"""What a process's exit code means beside what it has written."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from flyteidl2.task.common_pb2 import Outputs

from flyte_bridge.embedded.executor import AttemptEnding, result


@pytest.mark.parametrize(
    ("exit_code", "written", "failure"),
    [
        (0, True, None),
        (0, False, result.MISSING),
        (134, True, None),
        (134, False, result.CRASHED),
        (1, True, result.CRASHED),
        (None, True, None),
        (None, False, result.LOST),
    ],
)
def test_a_process_that_aborts_after_its_result_has_succeeded(
    world: Any, exit_code: int | None, written: bool, failure: str | None
) -> None:
    """SIGABRT with outputs.pb there is the end of an interpreter, not of a task; any other exit code is a failure."""

    async def main() -> None:
        async with world() as w:
            job = w.job("v2.modules", "n0")
            if written:
                w.store.write(f"{job.output_prefix}/outputs.pb", Outputs().SerializeToString())
            outcome = result.read(job, w.store, exit_code=exit_code, ended_at=2, started_at=1, outputs=True)
            assert (outcome.failure.code if outcome.failure else None) == failure
            assert outcome.ending is (AttemptEnding.FAILED if failure else AttemptEnding.SUCCEEDED)

    asyncio.run(main())
