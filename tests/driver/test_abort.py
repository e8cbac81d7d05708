"""Ends that come from elsewhere, and what they mean for child runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lasts
import pytest
from flyteidl2.common import identifier_pb2

from driver.bed import phase, run_identifier
from flyte_bridge.errors import NotFound
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from driver.bed import Bed
    from flyte_bridge.backend.client import BackendClient


def _phase(bed: Bed, run: str) -> str:
    async def ask(backend: BackendClient) -> str:
        action = identifier_pb2.ActionIdentifier(run=run_identifier(run), name="a0")
        try:
            return phase(await backend.get_action(action_id=action))
        except NotFound:
            return ""

    told: str = bed.do(ask)
    return told


def _children(name: str) -> tuple[str, str]:
    """The runs below an execution of `outer`."""
    middle = identifier.child_execution_name(name, "n0")
    return identifier.run_name(middle), identifier.run_name(identifier.child_execution_name(middle, "n0"))


def _until_phase(bed: Bed, run: str, wanted: str) -> None:
    async def ask(backend: BackendClient) -> bool:
        action = identifier_pb2.ActionIdentifier(run=run_identifier(run), name="a0")
        try:
            return phase(await backend.get_action(action_id=action)) == wanted
        except NotFound:
            return False

    bed.until(ask)


def test_an_abort_reaches_child_runs(bed: Bed) -> None:
    """Aborting a run ends the runs that its launch plan nodes have started, and those of theirs."""
    bed.start(lasts.outer, name="to-abort")
    middle, inner = _children("to-abort")
    _until_phase(bed, inner, "RUNNING")
    bed.do(lambda backend: backend.abort_run(run_id=run_identifier("to-abort"), reason="enough"))
    _until_phase(bed, middle, "ABORTED")
    _until_phase(bed, inner, "ABORTED")


def test_an_orphan_ends_itself(bed: Bed) -> None:
    """A child run whose parent's driver could not tell it of the abort finds out."""
    run = bed.start(lasts.outer, name="orphaned")
    middle, inner = _children("orphaned")
    _until_phase(bed, inner, "RUNNING")
    assert bed.stop_driver(run)
    bed.do(lambda backend: backend.abort_run(run_id=run_identifier("orphaned"), reason="enough"))
    _until_phase(bed, middle, "ABORTED")
    _until_phase(bed, inner, "ABORTED")


def test_a_failure_beside_it_aborts_a_child_run(bed: Bed) -> None:
    """Fail immediately ends child runs as it ends tasks."""
    run = bed.start(lasts.fails_beside, name="to-fail")
    done = bed.done(lasts.fails_beside, run)
    assert done.phase == "FAILED"
    assert "on purpose" in done.error[1]
    child = identifier.run_name(identifier.child_execution_name("to-fail", "n1"))
    _until_phase(bed, child, "ABORTED")


@pytest.mark.parametrize("kill", [True, False])
def test_an_interrupted_driver_leaves_child_runs_alone(bed: Bed, kill: bool) -> None:
    """A driver that dies, or is told to go because its machine goes, is started again and finds its child run."""
    name = f"interrupted-{kill}".lower()
    run = bed.start(lasts.outer, name=name, seconds=6.0)
    middle, inner = _children(name)
    _until_phase(bed, inner, "RUNNING")
    assert bed.kill_driver(run, gently=not kill)
    done = bed.done(lasts.outer, run)
    assert done.value == 6.0
    assert done.details.status.attempts == 2
    assert _phase(bed, middle) == _phase(bed, inner) == "SUCCEEDED"
