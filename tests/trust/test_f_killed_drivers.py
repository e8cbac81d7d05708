"""A workflow may lose its driver as often as it gets on (issue 12, F)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl2.common import identifier_pb2, phase_pb2

from flyte_bridge.embedded.retries import MAX_SYSTEM_FAILURES

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from driver.bed import Bed, run_identifier

from .conftest import CODE

if TYPE_CHECKING:
    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.embedded_client import instance


@pytest.fixture
def bed(backend: instance.Instance, monkeypatch: pytest.MonkeyPatch) -> Bed:
    """What the workflows run on."""

    monkeypatch.syspath_prepend(str(CODE))
    return Bed(backend.endpoint, Path(backend.data_dir))


def test_each_step_may_cost_a_driver(bed: Bed) -> None:
    """A workflow of six tasks whose driver is killed after each of them, six times, succeeds; no task runs twice."""
    import steps

    run = bed.start(steps.six)

    async def kill_at_each_end(backend: BackendClient) -> int:
        ended: set[str] = set()
        async for message in backend.watch_actions(run_id=run_identifier(run)):
            for enhanced in message.enriched_actions:
                action = enhanced.action
                name = action.id.name
                if name != "a0" and action.status.phase == phase_pb2.ACTION_PHASE_SUCCEEDED and name not in ended:
                    ended.add(name)
                    bed.kill_driver(run)
        return len(ended)

    assert bed.do(kill_at_each_end) == 6
    done = bed.done(steps.six, run)
    assert done.value == 6
    assert done.details.status.attempts > MAX_SYSTEM_FAILURES + 1
    assert {action.status.attempts for name, action in done.actions.items() if name != "a0"} == {1}


def test_without_progress_the_budget_ends(bed: Bed) -> None:
    """A driver that is killed again and again before anything has happened fails its workflow, and says of what."""
    import steps

    run = bed.start(steps.waiting)
    root = identifier_pb2.ActionIdentifier(run=run_identifier(run), name="a0")

    async def kill_each_attempt(backend: BackendClient) -> Any:
        killed = 0
        async for details in backend.watch_action(action_id=root):
            waits = details.status.phase == phase_pb2.ACTION_PHASE_RUNNING and details.status.attempts > killed
            if waits and await _is_waiting(backend, run) and bed.kill_driver(run):
                killed += 1
        return killed

    killed = bed.do(kill_each_attempt)
    done = bed.done(steps.waiting, run)
    assert done.phase == "FAILED"
    assert done.error[0] == "Interrupted"
    assert killed == done.details.status.attempts == MAX_SYSTEM_FAILURES + 1


async def _is_waiting(backend: BackendClient, run: str) -> bool:
    async for message in backend.watch_actions(run_id=run_identifier(run)):
        for enhanced in message.enriched_actions:
            if enhanced.action.status.phase == phase_pb2.ACTION_PHASE_PAUSED:
                return True
    return False
