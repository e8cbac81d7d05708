"""The real flytectl against an embedded backend: every command that asks the control plane for something.

Only where `FLYTE_BRIDGE_FLYTECTL` names the program: no package of this project's brings it. It is built from
flyteorg/flyte's `flytectl` (`go build`, of 1.16). The requests of its default lists are in `test_flytectl`, for everybody.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyte_bridge.embedded_client import instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLYTECTL = os.environ.get("FLYTE_BRIDGE_FLYTECTL", "")
PLACE = ("-p", "ctl", "-d", "development")
PATIENCE = 60.0
"""Seconds for one command, and for an execution."""

pytestmark = pytest.mark.skipif(not FLYTECTL, reason="FLYTE_BRIDGE_FLYTECTL names no flytectl")

_FLOWS = """
from flytekit import CronSchedule, LaunchPlan, task, workflow

@task
def plus(a: int, b: int = 1) -> int:
    return a + b

@workflow
def calc(a: int = 2) -> int:
    return plus(a=plus(a=a, b=1), b=2)

nightly = LaunchPlan.get_or_create(calc, "nightly", schedule=CronSchedule(schedule="0 3 * * *"), fixed_inputs={"a": 3})
"""
"""What is registered."""


class Flytectl(NamedTuple):
    """The program, pointed at a control plane.

    Attributes:
        endpoint: Host and port.
        home: Where it looks for its configuration, and writes files.
    """

    endpoint: str
    home: Path

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command, and how it ended."""
        pointed = (FLYTECTL, "--admin.endpoint", f"dns:///{self.endpoint}", "--admin.insecure")
        return subprocess.run(
            [*pointed, *arguments],
            cwd=self.home,
            env={**os.environ, "HOME": str(self.home)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        """What a command prints that must work."""
        done = self.call(*arguments)
        assert not done.returncode, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def file(self, name: str, text: str) -> str:
        """The name of a file that a command reads."""
        (self.home / name).write_text(text)
        return name


@pytest.fixture(scope="module")
def flytectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flytectl]:
    """A project with a task, a workflow and launch plans, registered in bulk from an archive with its code."""
    home = tmp_path_factory.mktemp("flytectl")
    source = home / "source"
    source.mkdir()
    (source / "calc.py").write_text(_FLOWS)
    package = [sys.executable, "-m", "flytekit.clis.sdk_in_container.pyflyte", "--pkgs", "calc", "package"]
    subprocess.run(
        [*package, "--image", "local/flytekit:1", "-o", str(home / "calc.tgz"), "-f", "--fast"],
        cwd=source,
        env={**os.environ, "PYTHONPATH": str(source)},
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    running = instance.start(home / "data", require_token=False)
    try:
        program = Flytectl(running.endpoint, home)
        program(
            "create", "project", "--id", "ctl", "--name", "ctl", "--description", "by flytectl", "--labels", "team=x"
        )
        archive = ("calc.tgz", "--archive", *PLACE, "--version", "v1", "--destinationDirectory", ".")
        assert program("register", "files", *archive).count("Successfully registered") == 4
        yield program
    finally:
        instance.stop(home / "data")


def test_a_project_is_listed_described_archived_and_taken_back(flytectl: Flytectl) -> None:
    """`get`, `update project`: by default, by selectors, as YAML."""
    assert "by flytectl" in flytectl("get", "project")
    assert "team: x" in flytectl("get", "project", "ctl", "-o", "yaml")
    assert "ctl" in flytectl("get", "project", "--filter.fieldSelector", "project.name=ctl")
    flytectl("update", "project", "-p", "ctl", "--archive", "--force")
    assert "by flytectl" not in flytectl("get", "project")
    flytectl("update", "project", "-p", "ctl", "--activate", "--force")
    assert "v1.16" in flytectl("version")


def test_entities_are_listed_read_and_described(flytectl: Flytectl) -> None:
    """`get task|workflow|launchplan`, `update …-meta`, `update launchplan`."""
    for kind, name in (("task", "calc.plus"), ("workflow", "calc.calc"), ("launchplan", "calc.calc")):
        assert name in flytectl("get", kind, *PLACE)
        assert name in flytectl("get", kind, *PLACE, name, "--latest", "-o", "json")
        assert name in flytectl("get", kind, *PLACE, name, "--version", "v1", "-o", "yaml")
        flytectl("update", f"{kind}-meta", *PLACE, name, "--description", "described", "--force")
    assert "described" in flytectl("get", "workflow", *PLACE, "--filter.asc", "--filter.sortBy", "name")
    plan = ("launchplan", *PLACE, "nightly", "--version", "v1")
    flytectl("update", *plan, "--activate", "--force")
    assert json.loads(_json(flytectl("get", *plan, "-o", "json")))["closure"]["state"] == "ACTIVE"
    flytectl("update", *plan, "--deactivate", "--force")


def test_executions_are_begun_told_ended_and_begun_again(flytectl: Flytectl) -> None:
    """`create`, `get`, `update`, `delete execution`: of a workflow, of a task alone, relaunched, recovered."""
    flytectl("get", "launchplan", *PLACE, "calc.calc", "--latest", "--execFile", "plan.yaml")
    name = _name(flytectl("create", "execution", *PLACE, "--execFile", "plan.yaml"))
    flytectl("get", "task", *PLACE, "calc.plus", "--latest", "--execFile", "task.yaml")
    alone = _name(flytectl("create", "execution", *PLACE, "--execFile", "task.yaml"))
    for one in (name, alone):
        assert _ended(flytectl, one)["closure"]["phase"] == "SUCCEEDED"
    assert "Generated Name" in flytectl("get", "execution", *PLACE, name, "--details")
    assert "n0" in flytectl("get", "execution", *PLACE, name, "--nodeID", "n0", "-o", "yaml")
    selected = "execution.phase in (SUCCEEDED;FAILED),execution.duration<200"
    assert name in flytectl("get", "execution", *PLACE, "--filter.fieldSelector", selected)
    for how in ("--relaunch", "--recover"):
        again = _name(flytectl("create", "execution", *PLACE, how, name))
        assert _ended(flytectl, again)["closure"]["phase"] == "SUCCEEDED"
    flytectl("update", "execution", *PLACE, name, "--archive", "--force")
    assert name not in flytectl("get", "execution", *PLACE)
    flytectl("update", "execution", *PLACE, name, "--activate", "--force")
    refused = flytectl.call("delete", "execution", *PLACE, name)
    assert refused.returncode
    assert "Cannot abort an already terminated workflow execution" in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("kind", "setting", "told"),
    [
        ("task-resource-attribute", 'defaults: {cpu: "1"}\nlimits: {cpu: "2"}', '"limits":{"cpu":"2"}'),
        ("execution-queue-attribute", "tags: [foo]", '"tags":["foo"]'),
        ("workflow-execution-config", "max_parallelism: 5", '"max_parallelism":5'),
    ],
)
@pytest.mark.parametrize("workflow", ["", "calc.calc"])
def test_attributes_are_set_told_and_deleted(
    flytectl: Flytectl, kind: str, setting: str, told: str, workflow: str
) -> None:
    """`update`, `get`, `delete` of a domain's and of a workflow's attributes."""
    of = f"workflow: {workflow}\n" if workflow else ""
    written = flytectl.file("attribute.yaml", f"project: ctl\ndomain: development\n{of}{setting}\n")
    asked = (kind, *PLACE, *([workflow] if workflow else []))
    flytectl("update", kind, "--attrFile", written, "--force")
    assert told in flytectl("get", *asked)
    flytectl("delete", *asked)
    assert "attribute not found" in flytectl.call("get", *asked).stderr


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("cluster-resource-attribute", "attributes: {foo: bar}"),
        ("execution-cluster-label", "value: foo"),
        ("plugin-override", "overrides: [{task_type: python_task, plugin_id: [p]}]"),
    ],
)
def test_attributes_that_flyte_2_cannot_follow_are_refused_by_name(flytectl: Flytectl, kind: str, setting: str) -> None:
    """Setting them fails with what to do instead, and there are none."""
    written = flytectl.file("attribute.yaml", f"project: ctl\ndomain: development\n{setting}\n")
    refused = flytectl.call("update", kind, "--attrFile", written, "--force")
    assert refused.returncode
    assert "Unimplemented desc = MatchingAttributes." in refused.stdout + refused.stderr
    assert "attribute not found" in flytectl.call("get", kind, *PLACE).stderr
    flytectl("delete", kind, *PLACE)


def _name(told: str) -> str:
    found = re.search(r'name:\s*"(\w+)"', told)
    assert found is not None, told
    return found[1]


def _json(told: str) -> str:
    return told[told.index("{") :]


def _ended(flytectl: Flytectl, name: str) -> dict[str, dict[str, str]]:
    deadline = time.monotonic() + PATIENCE
    while True:
        told: dict[str, dict[str, str]] = json.loads(_json(flytectl("get", "execution", *PLACE, name, "-o", "json")))
        if told["closure"]["phase"] in {"SUCCEEDED", "FAILED", "ABORTED"}:
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.3)
