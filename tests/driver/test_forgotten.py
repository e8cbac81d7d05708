"""What the Go backend has collected, or tells otherwise, is nothing to a driver that is started anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import forgets
import pytest
from flyteidl2.common import identifier_pb2

from driver.bed import Bed, all_actions, phase, run_identifier
from driver.conftest import start
from flyte_bridge.embedded_client import instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flyte_bridge.backend.client import BackendClient

pytestmark = pytest.mark.go_like


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """As the Go backend, which here collects what has ended at once."""
    data_dir = tmp_path_factory.mktemp("forgetful") / "data"
    yield Bed(start(data_dir, like="go", forgets=0).endpoint, data_dir, like="go")
    instance.stop(data_dir)


def _marks(where: Path) -> dict[str, int]:
    return {file.name: len(file.read_text().splitlines()) for file in where.iterdir() if file.stat().st_size}


def _until_held(bed: Bed, where: Path) -> None:
    async def held(_: BackendClient) -> bool:
        return (where / "held").exists()

    bed.until(held)


def test_a_node_that_was_collected_does_not_run_again(forgetful: Bed, tmp_path: Path) -> None:
    """Killed in its first attempt, which the backend does not count, the driver finds what had ended in the run's list (D1)."""
    run = forgetful.start(forgets.steps, where=str(tmp_path))
    _until_held(forgetful, tmp_path)
    assert forgetful.kill_driver(run)
    (tmp_path / "go").touch()
    done = forgetful.done(forgets.steps, run)
    assert done.value == 3
    assert _marks(tmp_path) == {"first": 1, "last": 1}
    assert done.details.status.attempts == 1


def test_a_failed_child_is_not_taken_for_a_good_one(forgetful: Bed, tmp_path: Path) -> None:
    """A restarted driver finds a child execution and a map failed that the backend has recorded as succeeded (D2)."""
    run = forgetful.start(forgets.failed_beside, where=str(tmp_path), values=[1, 2, 3])
    _until_held(forgetful, tmp_path)

    async def recorded(backend: BackendClient) -> bool:
        return {"n0", "n1"} <= {
            name
            for name, action in (await all_actions(backend, run_identifier(run))).items()
            if phase(action) == "FAILED"
        }

    forgetful.until(recorded)
    assert forgetful.kill_driver(run)
    (tmp_path / "go").touch()
    done = forgetful.done(forgets.failed_beside, run)
    assert done.phase == "FAILED"
    assert "on purpose" in done.error[1] or "even" in done.error[1]
    assert _marks(tmp_path) == {"breaks": 1, "after": 1}


def test_a_launch_plan_that_was_refused_stays_refused(forgetful: Bed, tmp_path: Path) -> None:
    """A restarted driver does not start it, though nothing is in its way any more: the node had failed."""
    run = "refused-beside"
    forgetful.start_only(forgets.refused_beside, run, where=str(tmp_path))
    _until_held(forgetful, tmp_path)

    async def refused(backend: BackendClient) -> bool:
        action = (await all_actions(backend, run_identifier(run))).get("n0")
        return action is not None and phase(action) == "FAILED"

    forgetful.until(refused)
    forgetful.register(forgets.refused_beside)
    assert forgetful.kill_driver(run)
    (tmp_path / "go").touch()
    done = forgetful.done(forgets.refused_beside, run)
    assert done.error[0] == "RuntimeExecutionError"
    assert "forgets.late-plan" in done.error[1]
    assert not (tmp_path / "late").exists()


def test_a_task_just_enqueued_is_aborted_with_its_workflow(bed: Bed, tmp_path: Path) -> None:
    """Although a reader does not find it yet (D4)."""
    run = bed.start(forgets.fails_at_once, where=str(tmp_path), x=1)
    done = bed.done(forgets.fails_at_once, run)
    assert done.error == ("UserProvidedError", "[UserProvidedError] too small")

    async def ended(backend: BackendClient) -> str:
        action = identifier_pb2.ActionIdentifier(run=run_identifier(run), name="n0")
        reached = phase(await backend.get_action(action_id=action))
        return reached if reached in {"ABORTED", "SUCCEEDED"} else ""

    try:
        assert bed.until(ended, timeout=30) == "ABORTED"
    finally:
        (tmp_path / "go").touch()
