"""Unmodified Flyte 1 commands run as attempts."""

from __future__ import annotations

import asyncio
from typing import Any

from flyte_bridge.embedded.executor import Ending
from flyte_bridge.embedded.phases import Phase


def test_a_task_runs_with_its_inputs(world: Any) -> None:
    """`pyflyte-execute` reads inputs.pb and leaves outputs.pb."""

    async def main() -> None:
        async with world() as w:
            outcome = await w.run(w.job("add", a=2, b=3))
            assert outcome.ending is Ending.SUCCEEDED
            assert outcome.exit_code == 0
            assert w.outputs(outcome) == 5
            assert [event.phase for event in w.events] == [Phase.INITIALIZING, Phase.RUNNING]

    asyncio.run(main())
