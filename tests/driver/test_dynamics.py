"""Dynamic tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dynamics
from flyteidl.admin.execution_pb2 import ExecutionSpec
from flyteidl.core import literals_pb2
from flyteidl2.common import identifier_pb2

from driver.bed import run_identifier
from flyte_bridge_translators.wire import dynamic_closure, identifier

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed


def test_nested(bed: Bed) -> None:
    """A dynamic task may hold tasks, sub-workflows, launch plans, maps, conditionals, and dynamic tasks; it gives what
    flytekit's own local run gives."""
    bed.register(dynamics.plan)
    done = bed.run(dynamics.outer, n=4)
    assert done.phase == "SUCCEEDED", done.error
    assert tuple(done.outputs.values()) == (14 + 256, [1, 2, 3, 4], 256, 5, 52)
    uid = identifier.unique_id("n0", 0, "dn0")
    assert done.phases()[uid] == "SUCCEEDED"
    assert done.phases()[identifier.unique_id(uid, 0, "dn2")] == "SUCCEEDED"


def test_closure_is_recorded(bed: Bed) -> None:
    """What a dynamic node has become is the output of an action beside it."""
    done = bed.run(dynamics.caches, place="/dev/null", n=3)
    assert done.value == 3
    action = identifier_pb2.ActionIdentifier(run=run_identifier(done.run), name=identifier.closure_id("n0"))
    data = bed.do(lambda backend: backend.get_action_data(action_id=action))
    outputs = literals_pb2.LiteralMap.FromString(data.outputs.SerializeToString())
    closure = dynamic_closure.from_outputs(outputs.literals)
    assert [node.id for node in closure.primary.template.nodes] == ["start-node", "end-node", "dn0"]
    assert closure.primary.template.id.name == "dynamic_n0"


def test_attempt_is_in_the_ids(bed: Bed, tmp_path: Path) -> None:
    """Nodes beneath a dynamic task that was retried have the attempt's number in their ids, as in Flyte 1."""
    done = bed.run(dynamics.retried, place=str(tmp_path / "marks"), n=3)
    assert done.value == 9
    assert done.phases()["n0-1-dn0"] == "SUCCEEDED"


def test_failures(bed: Bed) -> None:
    """A failure beneath a dynamic task is the workflow's, with the failing node's code."""
    done = bed.run(dynamics.fails, n=1)
    assert done.phase == "FAILED"
    assert done.error[0] == "USER:RuntimeError"
    assert "no 1" in done.error[1]
    assert done.phases()["n0-0-dn1"] == "FAILED"


def test_unregistered(bed: Bed) -> None:
    """A launch plan that is not registered is named, with Flyte 1's code."""
    done = bed.run(dynamics.lost, n=1)
    assert done.phase == "FAILED"
    assert done.error[0] == "DynamicWorkflowBuildFailed"
    assert "flytesnacks:development:nowhere:v1, which is not registered" in done.error[1]


def test_what_flyte_2_lacks(bed: Bed) -> None:
    """A task type that Flyte 2 does not have is refused by name, also when a dynamic task brings it."""
    done = bed.run(dynamics.old_map, n=2)
    assert done.phase == "FAILED"
    assert done.error[0] == "UnsupportedTaskType"
    assert "is of type 'container_array', which Flyte 2 does not have" in done.error[1]


def test_cache(bed: Bed, tmp_path: Path) -> None:
    """A cached dynamic task gives what the nodes beneath it gave, and none of them runs again, unless it is told to."""
    marks = tmp_path / "marks"
    first, again = (bed.run(dynamics.caches, place=str(marks), n=5) for _ in range(2))
    assert (first.value, again.value) == (5, 5)
    assert marks.read_text() == "dynamic task "
    assert again.phases() == {"n0": "SUCCEEDED"}
    assert bed.run(dynamics.caches, ExecutionSpec(overwrite_cache=True), place=str(marks), n=5).value == 5
    assert marks.read_text() == "dynamic task dynamic task "


def test_cache_serially(bed: Bed, tmp_path: Path) -> None:
    """Of two runs at once that are to compute a result serially, one computes it."""
    marks = tmp_path / "marks"
    runs = [bed.start(dynamics.serial, place=str(marks), n=6) for _ in range(2)]
    assert [bed.done(dynamics.serial, run).value for run in runs] == [6, 6]
    assert marks.read_text() == "dynamic task "
