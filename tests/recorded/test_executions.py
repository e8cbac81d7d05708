"""Flyteadmin's recorded answers about executions: they are made again, and asked about in the same words.

A few kinds by default, all of them with `FLYTE_BRIDGE_TEST_FULL=1`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import node_execution_pb2, signal_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2

import modes
from recorded import reviewed
from recorded.calls import DOMAIN, PROJECT, compare, steps
from recorded.executions import AFTER, IN_ORDER, SAMPLE, Executions, until

if TYPE_CHECKING:
    from recorded.calls import Plane

GATES, SLOW = "xgates", "xslow"
"""One that waits for signals, and one that is terminated while it runs."""

AGAIN = ("xrelaunch", "xrechalf", "xrelover", "xrecchain")
"""What is begun by relaunching and recovering others."""

_NAMED = re.compile(r'"(?:name|flyte_url)": "(?:flyte://v1/\w+/\w+/)?([xmk][a-z]\w*)(?:/[^"]*)?"')


@pytest.fixture(scope="module")
def executions(plane: Plane) -> Executions:
    """Everything that the executions need, registered."""
    return Executions(plane)


def test_executions_are_told_as_flyteadmin_tells_them(executions: Executions) -> None:
    """All about them, their nodes, attempts and data is as recorded, or differs as a line of the reviewed list says."""
    names = executions.known if modes.FULL else list(SAMPLE)
    executions.begin(IN_ORDER if modes.FULL else ())
    executions.begin(names)
    lines, left, compared = [*reviewed.read("answers"), *reviewed.read("executions")], [], 0
    for name in names:
        executions.end(name)
        for step in executions.recorded:
            if step["execution"] == name and not step["label"].startswith("exec-create-"):
                compared += 1
                ours = executions.made(step)
                left += reviewed.unreviewed(lines, step["label"], compare(step["real"], ours))
    assert not left, f"{len(left)} differences are not in {reviewed.LIST.name}:\n" + "\n".join(left)
    assert compared > (400 if modes.FULL else 50)
    if modes.FULL:
        assert not reviewed.needless(lines)


def test_every_other_call_is_answered_as_flyteadmin_answers_it(executions: Executions) -> None:
    """Signals, ends, relaunches, lists, metrics, links, wrong reads and wrong starts: as recorded, or as a reviewed line says.

    By default what asks about the sample alone, or is refused.
    """
    calls = _Calls(executions)
    if modes.FULL:
        executions.begin(IN_ORDER)
        calls.signals()
        calls.slow()
        for name in IN_ORDER:
            executions.end(name)
        executions.begin(AFTER)
        calls.of("again")
        for name in (*AFTER, *AGAIN):
            executions.end(name)
        calls.of("reads", begin="x")
        executions.begin(name for name in executions.known if name[0] == "m")
        for name in executions.known:
            executions.end(name)
        calls.of("reads", begin="m")
        calls.of("creations", "updates", "work")
    else:
        executions.begin(SAMPLE)
        for name in SAMPLE:
            executions.end(name)
        calls.of("reads", "creations", "updates", "again", "signals", "slow")
    assert not calls.left, f"{len(calls.left)} differences are not in {reviewed.LIST.name}:\n" + "\n".join(calls.left)
    assert calls.compared > (350 if modes.FULL else 100)
    if modes.FULL:
        assert not reviewed.needless(calls.own)


def test_failures_are_told_wherever_they_happen(executions: Executions) -> None:
    """In a nested workflow, a branch, a dynamic task, a map, a gate, a child; and once more after they were recovered.

    The workflows were not recorded, only what was told of them: they are made from that. Only with `FLYTE_BRIDGE_TEST_FULL=1`.
    """
    if not modes.FULL:
        pytest.skip("only with FLYTE_BRIDGE_TEST_FULL=1")
    calls = _Calls(executions, "late")
    calls.of("prepare", "begin")
    rejected = {"project": PROJECT, "domain": DOMAIN, "name": "lreject"}
    until(lambda: calls.signals_of(rejected) > 0, "lreject has no signal")
    calls.of("signal")
    calls.until_runs("llpslow", "n0")
    child = executions.child("llpslow", "n0")
    calls.until_runs(child, "n0")
    calls.of("terminate")
    for name in calls.names("begin"):
        executions.end(name)
    until(lambda: executions.over(child), f"{child} has not ended")
    calls.of("recover")
    for name in calls.names("recover"):
        executions.end(name)
    calls.of("reads")
    assert not calls.left, f"{len(calls.left)} differences are not in {reviewed.LIST.name}:\n" + "\n".join(calls.left)
    assert calls.compared > 200
    assert not reviewed.needless(calls.own)


_IN_ANY_ORDER = (
    "elist-filter-",
    *(f"elist-sort-{key}" for key in ("phase", "duration", "updated_at", "cluster")),
    "nlist-started",
)
"""Lists whose order depends on how long things take, or on the table where their key is equal or unset."""


def _by_name(told: dict[str, Any]) -> dict[str, Any]:
    """An answer whose list is told by the names of what is in it; without what is begun later or has a random name."""
    answer = dict(told.get("answer", {}))
    for field, key in (("executions", "name"), ("node_executions", "node_id")):
        if field in answer:
            items = {item["id"][key]: item for item in answer[field]}
            answer[field] = {name: item for name, item in items.items() if field != "executions" or name[0] == "x"}
    return {**told, "answer": answer} if answer else told


class _Calls:
    """The recorded calls, made in groups."""

    def __init__(self, executions: Executions, section: str = "calls") -> None:
        self._executions = executions
        self._steps = steps(section)
        self.own = reviewed.read(section)
        self.lines = [*reviewed.read("answers"), *self.own]
        self.left: list[str] = []
        self.compared = 0

    def of(self, *groups: str, begin: str = "") -> None:
        """Makes the calls of some groups; those about executions of a kind alone, if one is named."""
        for step in self._steps:
            if step["group"] in groups and self._wanted(step, begin):
                self._make(step)

    def labelled(self, first: str, last: str) -> None:
        """Makes the calls between two labels, both included."""
        labels = [step["label"] for step in self._steps]
        for step in self._steps[labels.index(first) : labels.index(last) + 1]:
            self._make(step)

    def signals(self) -> None:
        """What is asked while an execution waits for its gates, one after the other."""
        execution = {"project": PROJECT, "domain": DOMAIN, "name": GATES}
        for reached, first, last in (
            (1, "signals-list-1", "signals-list-2"),
            (2, "signals-list-3", "signals-approve"),
        ):
            until(lambda count=reached: self.signals_of(execution) >= count, f"{GATES} has no {reached} signals")
            self.labelled(first, last)

    def slow(self) -> None:
        """What is asked of an execution that runs, is terminated, and has been."""
        self.until_runs(SLOW, "n1")
        for step in self._steps:
            if step["group"] == "slow":
                if step["label"] in ("terminate-ended", "terminate-succeeded-one"):
                    self._executions.end(SLOW)
                    self._executions.end("xchain")
                self._make(step)

    def names(self, group: str) -> list[str]:
        """The executions that a group begins."""
        return [step["request"]["name"] for step in self._steps if step["group"] == group]

    def until_runs(self, name: str, node_id: str) -> None:
        """Wait until a node runs."""
        execution = {"project": PROJECT, "domain": DOMAIN, "name": name}

        def runs() -> bool:
            nodes = self._executions.replay.ask("ListNodeExecutions", {"workflow_execution_id": execution, "limit": 10})
            assert isinstance(nodes, node_execution_pb2.NodeExecutionList)
            running = core_execution_pb2.NodeExecution.RUNNING
            return any(node.id.node_id == node_id and node.closure.phase == running for node in nodes.node_executions)

        until(runs, f"n1 of {name} does not run")

    def signals_of(self, execution: dict[str, str]) -> int:
        """How many gates of an execution wait, or have."""
        told = self._executions.replay.ask("ListSignals", {"workflow_execution_id": execution, "limit": 10})
        assert isinstance(told, signal_pb2.SignalList)
        return len(told.signals)

    def _wanted(self, step: dict[str, Any], begin: str) -> bool:
        label, named = step["label"], set(_NAMED.findall(json.dumps(step["request"])))
        if "real" not in step and not modes.FULL:
            return False
        if begin:
            return (label[0] == "m" and not label.startswith("metrics")) == (begin == "m")
        if modes.FULL:
            return True
        refused = "status" in step["real"]
        return (named <= {*SAMPLE, "nosuch"} or (refused and step["group"] == "creations")) and (
            refused or (step["group"] == "reads" and not label.startswith("elist"))
        )

    def _make(self, step: dict[str, Any]) -> None:
        ours = self._executions.made(step)
        if "real" not in step:  # not here, but others rely on it
            return
        self.compared += 1
        real = step["real"]
        if step["label"].startswith(_IN_ANY_ORDER):
            real, ours = _by_name(real), _by_name(ours)
        self.left += reviewed.unreviewed(self.lines, step["label"], compare(real, ours))
