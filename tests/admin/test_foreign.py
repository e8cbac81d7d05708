"""Runs of Flyte 2's own SDK, seen by flytekit's client as executions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit.exceptions.system import FlyteSystemException
from flytekit.models.core.execution import NodeExecutionPhase, WorkflowExecutionPhase

from admin.conftest import CODE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from admin.control import Control

_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")


@pytest.fixture
def start(control: Control, tmp_path: Path) -> Callable[[int], str]:
    """Runs the SDK's program to its end; the run's name."""
    (tmp_path / "code").mkdir()
    script = shutil.copy(CODE / "native.py", tmp_path / "code")
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env |= {"HOME": str(tmp_path), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1", "FLYTE_IMAGE_BUILDER": "remote"}

    def run(x: int) -> str:
        command = [sys.executable, str(script), f"{control.endpoint}/{control.running.access.segment}", str(x)]
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=300, env=env, cwd=tmp_path / "code", check=False
        )
        assert "RUN " in told.stdout, told.stderr
        return told.stdout.split("RUN ")[1].split()[0]

    return run


def test_a_run_of_the_sdk_is_an_execution(control: Control, start: Any) -> None:
    """Of a workflow that stands for it; its actions are nodes, with their values; it can be started again."""
    name = start(4)
    execution = control.remote.sync(control.remote.fetch_execution(name=name), sync_nodes=True)
    assert execution.closure.phase == WorkflowExecutionPhase.SUCCEEDED
    assert (execution.inputs["x"], execution.outputs["o0"]) == (4, 46)
    assert execution.spec.launch_plan.name == f".flyte2.{name}"
    root = execution.node_executions["a0"]
    assert root.metadata.is_dynamic
    below = [node for node in root.subworkflow_node_executions.values() if "node" not in node.metadata.spec_node_id]
    assert sorted(node.outputs["o0"] for node in below) == [5, 41]
    assert {node.task_executions[0].id.task_id.name for node in below} == {"native.leaf"}
    span = control.remote.get_execution_metrics(execution.id, depth=10).to_flyte_idl()
    assert _forward(span)
    assert name in {one.id.name for one in control.remote.recent_executions()}
    control.client.relaunch_execution(execution.id, "native-once-more")
    again = control.done(control.remote.fetch_execution(name="native-once-more"))
    assert again.outputs["o0"] == 46
    with pytest.raises(FlyteSystemException, match="relaunch it instead"):
        control.client.recover_execution(execution.id)


def test_a_failure_of_the_sdk_is_one_here(control: Control, start: Any) -> None:
    """Of the run, of its root and of the action that raised."""
    execution = control.remote.sync(control.remote.fetch_execution(name=start(400)), sync_nodes=True)
    assert execution.closure.phase == WorkflowExecutionPhase.FAILED
    assert "too large" in execution.error.message
    below = execution.node_executions["a0"].subworkflow_node_executions.values()
    failed = [node for node in below if node.closure.phase == NodeExecutionPhase.FAILED]
    assert len(failed) == 1
    assert "too large" in failed[0].closure.error.message


def _forward(span: Any) -> bool:
    """Whether no span ends before it begins."""
    own = span.end_time.ToNanoseconds() >= span.start_time.ToNanoseconds()
    return own and all(_forward(one) for one in span.spans)
