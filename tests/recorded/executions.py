"""The executions that were recorded, made again: begun as their recorded beginnings say, and waited for."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, node_execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

from recorded.calls import DOMAIN, PROJECT, steps
from recorded.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from recorded.calls import Plane

SAMPLE = ("xchain", "xcond1", "xflaky", "xdyn")
"""A chain, a branch that fails, retries that are used up, a dynamic task."""

NOT_HERE = {"xsub": ("h3wfs.sub", 2), "xlp": ("h3wfs.lpwf", 3), "xdeflp": ("chain_lp", None)}
"""Launch plan and input of executions whose beginning was recorded, but is not here."""

AFTER = {"xcache2": "xcache1", "xcache3": "xcache1"}
"""Executions that rely on another's end."""

IN_ORDER = (
    *("xchain", "xcond6", "xcond5", "xcond1", "xsub", "xdyn", "xmap", "xlp", "xflaky", "xhandled", "xhalf", "xcache1"),
    *("xgates", "xslow", "xdeflp", "xopts", "xtask"),
)
"""How they were begun: lists are sorted by that."""

PREPARING = ("project-register", "upload-code", "register-", "wronglp-labels", "wronglp-interr")
"""Beginnings of the labels of the steps without which nothing runs."""

PATIENCE = 180.0
"""Seconds for one execution."""

_ENDED = {
    core_execution_pb2.WorkflowExecution.SUCCEEDED,
    core_execution_pb2.WorkflowExecution.FAILED,
    core_execution_pb2.WorkflowExecution.ABORTED,
}


class Executions:
    """Recorded executions on a plane where everything that they need is registered.

    Attributes:
        replay: The calls.
        recorded: The steps about executions that have ended.
    """

    def __init__(self, plane: Plane) -> None:
        self.replay = Replay(plane)
        self.recorded = [step for step in steps("executions") if "execution" in step]
        self._beginnings: dict[str, dict[str, Any]] = {}
        for step in [*self.recorded, *steps("executions"), *steps("calls")]:
            if step["label"].startswith("exec-create-") and "name" in step["request"]:
                self._beginnings.setdefault(step["request"]["name"], step)
        self._begun: set[str] = set()
        self._over: set[str] = set()
        for step in steps("registry"):
            if step["label"].startswith(PREPARING):
                self.replay.made(step)
        for step in steps("executions"):
            if step["label"].startswith("more-"):
                self.replay.made(step)

    @property
    def known(self) -> list[str]:
        """All that were recorded after their end, as they were begun."""
        names = {step["execution"] for step in self.recorded}
        return [*(name for name in IN_ORDER if name in names), *sorted(names.difference(IN_ORDER))]

    def begin(self, names: Iterable[str]) -> None:
        """Begin those that have not begun."""
        for name in names:
            if name not in self._begun:
                self._begun.add(name)
                self._begin(name)

    def _begin(self, name: str) -> None:
        if name in AFTER:
            self.begin([AFTER[name]])
            self.end(AFTER[name])
        if name in self._beginnings:
            told = self.replay.made(self._beginnings[name])
            assert "answer" in told, told
            return
        plan, value = NOT_HERE[name]
        inputs = {"literals": {"n": {"scalar": {"primitive": {"integer": value}}}}} if value is not None else {}
        launched = {"resource_type": "LAUNCH_PLAN", "project": PROJECT, "domain": DOMAIN, "name": plan, "version": "v1"}
        spec = {"launch_plan": launched, "metadata": {}}
        where = {"project": PROJECT, "domain": DOMAIN, "name": name}
        self.replay.ask("CreateExecution", {**where, "spec": spec, "inputs": inputs})

    def end(self, name: str) -> None:
        """Wait for one, and note what its children are called."""
        if name in self._over:
            return
        until(lambda: self.over(name), f"{name} has not ended")
        for node_id, child in self._children(name).items():
            self.replay.names.put(child, f"{name}-{node_id}-child")
        self._over.add(name)

    def over(self, name: str) -> bool:
        """Whether one has ended."""
        answer = self.replay.ask("GetExecution", {"id": {"project": PROJECT, "domain": DOMAIN, "name": name}})
        assert isinstance(answer, execution_pb2.Execution)
        return answer.closure.phase in _ENDED

    def child(self, name: str, node_id: str) -> str:
        """What the execution is called that a node has started."""
        return self._children(name)[node_id]

    def _children(self, name: str) -> dict[str, str]:
        execution = {"project": PROJECT, "domain": DOMAIN, "name": name}
        nodes = self.replay.ask("ListNodeExecutions", {"workflow_execution_id": execution, "limit": 100})
        assert isinstance(nodes, node_execution_pb2.NodeExecutionList)
        return {
            node.id.node_id: node.closure.workflow_node_metadata.executionId.name
            for node in nodes.node_executions
            if node.closure.HasField("workflow_node_metadata")
        }

    def made(self, step: dict[str, Any]) -> dict[str, Any]:
        """The answer to a step, which can ask for a child execution."""
        text = json.dumps(step["request"])
        for child, stands_for in self.replay.names.known():
            text = text.replace(f'"{stands_for}"', f'"{child}"')
        return self.replay.made({**step, "request": json.loads(text)})


def until(so: Callable[[], bool], otherwise: str) -> None:
    """Wait for what nothing of Flyte 1's tells of by itself."""
    deadline, reached = time.monotonic() + PATIENCE, so()
    while not reached:
        assert time.monotonic() < deadline, f"{otherwise} within {PATIENCE:g} s"
        time.sleep(0.2)
        reached = so()
