"""How nodes end that have no action of their own, and what becomes of child executions: as flytepropeller tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit.models.core.execution import NodeExecutionPhase, WorkflowExecutionPhase

if TYPE_CHECKING:
    from pathlib import Path

    from admin.control import Control


def _failed(control: Control, execution: Any) -> dict[str, tuple[int, str, str]]:
    """Phase, code and message of the nodes that flytekit's client lists as failed, by id."""
    nodes, _ = control.client.list_node_executions(execution.id, limit=100)
    return {
        node.id.node_id: (node.closure.phase, node.closure.error.code, node.closure.error.message)
        for node in nodes
        if node.closure.error is not None
    }


def test_a_conditional_without_an_arm_is_listed_as_failed(control: Control, ends: Any) -> None:
    """Its error is the user's own words."""
    done = control.run(ends.small, {"i": 1})
    assert _failed(control, done)["n0"][:2] == (NodeExecutionPhase.FAILED, "UserProvidedError")
    assert "too small" in _failed(control, done)["n0"][2]
    assert control.run(ends.small, {"i": 6}).outputs["o0"] == 6


def test_a_node_whose_input_cannot_be_resolved_is_listed_as_failed(control: Control, ends: Any) -> None:
    """With what was missing."""
    done = control.run(ends.unbound, {})
    phase, code, message = _failed(control, done)["n1"]
    assert (phase, code) == (NodeExecutionPhase.FAILED, done.error.code)
    assert done.error.message.startswith(message)  # lists tell 100 characters of it


def test_a_sub_workflow_shows_what_failed_beneath_it(control: Control, ends: Any) -> None:
    """The node of the sub-workflow has failed, and so has the one beneath it."""
    done = control.run(ends.small_within, {"i": 1})
    assert done.error.code == "UserProvidedError"
    assert done.node_executions["n0"].closure.phase == NodeExecutionPhase.FAILED
    beneath = done.node_executions["n0"].subworkflow_node_executions
    assert beneath["n0-0-n0"].closure.phase == NodeExecutionPhase.FAILED


def test_an_aborted_child_makes_its_node_fail(control: Control, ends: Any) -> None:
    """The execution goes no further, and the node tells why."""
    started = control.start(ends.asks, {})

    def children(execution: Any) -> list[Any]:
        node = control.remote.sync_execution(execution, sync_nodes=True).node_executions.get("n0")
        return [] if node is None else node.workflow_executions

    running = control.until(started, children, nodes=True)
    control.remote.terminate(children(running)[0], cause="only the child")
    done = control.done(running)
    assert done.closure.phase == WorkflowExecutionPhase.FAILED
    phase, code, message = _failed(control, done)["n0"]
    assert (phase, code) == (NodeExecutionPhase.FAILED, "RemoteChildWorkflowExecutionFailed")
    assert "aborted" in message


@pytest.mark.parametrize(("name", "outputs"), [("recovers", [1]), ("recovers_many", [[1, 2], [1, 2]])])
def test_what_the_source_did_not_come_to_is_started_anew(
    control: Control, ends: Any, tmp_path: Path, name: str, outputs: list[Any]
) -> None:
    """Launch-plan nodes, of a dynamic workflow and of an array, too, when the recovered execution failed before them."""
    flag = tmp_path / "there"
    failed = control.run(getattr(ends, name), {"path": str(flag)})
    assert failed.closure.phase == WorkflowExecutionPhase.FAILED
    flag.touch()
    again = control.client.recover_execution(failed.id)
    done = control.done(control.remote.fetch_execution(name=again.name))
    assert done.error is None
    assert [done.outputs[f"o{n}"] for n in range(len(outputs))] == outputs
