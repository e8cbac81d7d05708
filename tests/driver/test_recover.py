"""A new run takes over what succeeded in another, and runs the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mends
from flyteidl.admin import execution_pb2
from flyteidl2.common import phase_pb2

from flyte_bridge_translators.wire import identifier

from driver.bed import DOMAIN, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed

RECOVERED = phase_pb2.ACTION_PHASE_RECOVERED


def recovering(name: str) -> execution_pb2.ExecutionSpec:
    """The spec of an execution that recovers another."""
    spec = execution_pb2.ExecutionSpec()
    spec.metadata.mode = execution_pb2.ExecutionMetadata.RECOVERED
    source = spec.metadata.reference_execution
    source.project, source.domain, source.name = PROJECT, DOMAIN, name
    return spec


def _marks(where: Path) -> dict[str, int]:
    return {file.name: len(file.read_text().splitlines()) for file in where.iterdir() if file.name != "mend"}


def test_succeeded_nodes_are_taken_over(bed: Bed, tmp_path: Path) -> None:
    """Tasks, sub-workflows' nodes and child runs that succeeded are recovered, a failed child run's own nodes too."""
    failed = bed.run(mends.mends, execution_pb2.ExecutionSpec(), "to-be-recovered", where=str(tmp_path))
    assert failed.phase == "FAILED"
    before = _marks(tmp_path)
    assert before["first"] == before["in-good-child"] == before["in-sub"] == 1
    (tmp_path / "mend").touch()

    done = bed.run(mends.mends, recovering("to-be-recovered"), "recovering", where=str(tmp_path))
    assert done.phase == "SUCCEEDED", done.error
    assert done.outputs == {"o0": 4, "o1": 4, "o2": 4}
    after = _marks(tmp_path)
    assert after["first"] == after["in-good-child"] == after["in-sub"] == after["in-child"] == 1
    assert done.actions["n0"].status.phase == RECOVERED
    assert done.actions["n1"].status.phase == RECOVERED
    assert done.actions["n2-0-n0"].status.phase == RECOVERED
    assert done.actions["n2-0-n1"].status.phase == phase_pb2.ACTION_PHASE_SUCCEEDED

    child = identifier.run_name(identifier.child_execution_name("recovering", "n3"))
    assert bed.done(mends.inner, child).actions["n0"].status.phase == RECOVERED
