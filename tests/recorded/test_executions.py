"""Flyteadmin's recorded answers about executions that have ended: the executions are made again, and asked about in the same words.

A few kinds by default, all of them with `FLYTE_BRIDGE_TEST_FULL=1`.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

import modes
from recorded import reviewed
from recorded.calls import DOMAIN, PROJECT, compare, steps
from recorded.replay import Replay

if TYPE_CHECKING:
    from recorded.calls import Plane

SAMPLE = ("xchain", "xcond1", "xflaky", "xdyn")
"""A chain, a branch that fails, retries that are used up, a dynamic task."""

NOT_HERE = {"xsub": ("h3wfs.sub", 2), "xlp": ("h3wfs.lpwf", 3), "xdeflp": ("chain_lp", None)}
"""Launch plan and input of executions whose beginning was recorded, but is not here."""

AFTER = {"xcache2": "xcache1", "xcache3": "xcache1"}
"""Executions that rely on another's end."""

PREPARING = ("project-register", "upload-code", "register-")
"""Beginnings of the labels of the steps without which nothing runs."""

PATIENCE = 180.0
"""Seconds for one execution."""

_ENDED = {
    core_execution_pb2.WorkflowExecution.SUCCEEDED,
    core_execution_pb2.WorkflowExecution.FAILED,
    core_execution_pb2.WorkflowExecution.ABORTED,
}


@pytest.fixture(scope="module")
def replay(plane: Plane) -> Replay:
    """Everything that the executions need, registered."""
    replay = Replay(plane)
    for step in steps("registry"):
        if step["label"].startswith(PREPARING):
            replay.made(step)
    for step in steps("executions"):
        if step["label"].startswith("more-"):
            replay.made(step)
    return replay


def test_executions_are_told_as_flyteadmin_tells_them(replay: Replay) -> None:
    """All about them, their nodes, attempts and data is as recorded, or differs as a line of the reviewed list says."""
    recorded = [step for step in steps("executions") if "execution" in step]
    known = sorted({step["execution"] for step in recorded})
    names = known if modes.FULL else list(SAMPLE)
    for name in names:
        _begin(replay, recorded, name)
    lines, left, compared = reviewed.read("executions"), [], 0
    for name in names:
        children = _ended(replay, name)
        for step in recorded:
            if step["execution"] == name and not step["label"].startswith("exec-create-"):
                text = json.dumps(step["request"])
                for stands_for, child in children.items():
                    text = text.replace(stands_for, child)
                compared += 1
                ours = replay.made({**step, "request": json.loads(text)})
                left += reviewed.unreviewed(lines, step["label"], compare(step["real"], ours))
    assert not left, f"{len(left)} differences are not in {reviewed.LIST.name}:\n" + "\n".join(left)
    assert compared > (400 if modes.FULL else 50)
    if modes.FULL:
        assert not [line.reason for line in lines if not line.used]


def _begin(replay: Replay, recorded: list[dict[str, Any]], name: str) -> None:
    if name in AFTER:
        _ended(replay, AFTER[name])
    for step in recorded:
        if step["execution"] == name and step["label"].startswith("exec-create-"):
            told = replay.made(step)
            assert "answer" in told, told
            return
    plan, value = NOT_HERE[name]
    inputs = {"literals": {"n": {"scalar": {"primitive": {"integer": value}}}} if value is not None else {}}
    launched = {"resource_type": "LAUNCH_PLAN", "project": PROJECT, "domain": DOMAIN, "name": plan, "version": "v1"}
    spec = {"launch_plan": launched, "metadata": {}}
    replay.ask("CreateExecution", {"project": PROJECT, "domain": DOMAIN, "name": name, "spec": spec, "inputs": inputs})


def _ended(replay: Replay, name: str) -> dict[str, str]:
    """Waits for an execution; the names of its children by those they stand for."""
    execution = {"project": PROJECT, "domain": DOMAIN, "name": name}

    deadline, over = time.monotonic() + PATIENCE, False
    while not over:  # nothing of Flyte 1's tells of the end by itself
        assert time.monotonic() < deadline, f"{name} has not ended within {PATIENCE:g} s"
        answer = replay.ask("GetExecution", {"id": execution})
        assert isinstance(answer, execution_pb2.Execution)
        over = answer.closure.phase in _ENDED
        time.sleep(0 if over else 0.2)
    nodes = replay.ask("ListNodeExecutions", {"workflow_execution_id": execution, "limit": 100})
    assert isinstance(nodes, node_execution_pb2.NodeExecutionList)
    children = {
        f"{name}-{node.id.node_id}-child": node.closure.workflow_node_metadata.executionId.name
        for node in nodes.node_executions
        if node.closure.HasField("workflow_node_metadata")
    }
    for stands_for, child in children.items():
        replay.names.put(child, stands_for)
    return children
