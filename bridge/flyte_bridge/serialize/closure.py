"""The compiled closure of a workflow in a user's file: flytekit serializes, `wire.workflow` compiles."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2

import flyte_bridge
from flyte_bridge.errors import SourceError, UsageError
from flyte_bridge_translators.flyte1.nodes import Key
from flyte_bridge_translators.flyte1.read import key
from flyte_bridge_translators.wire import launch_plan, workflow
from flyte_bridge_translators.wire.compiler.problems import CompileError

if TYPE_CHECKING:
    from flyteidl.core import compiler_pb2

TIMEOUT = 600.0
"""Seconds that importing a user's file may take: it may download a model."""


NO_KEY = Key("", "", "", "")


@dataclass
class Serialized:
    """What flytekit would register for one entity; each message by its identifier.

    Attributes:
        workflow: The workflow that was asked for, or that of the launch plan that was.
        tasks: Tasks, those that are only referred to included.
        workflows: Workflows.
        launch_plans: Launch plans with the interface that registration gives them.
    """

    workflow: Key = NO_KEY
    tasks: dict[Key, task_pb2.TaskSpec] = field(default_factory=dict)
    workflows: dict[Key, workflow_pb2.WorkflowSpec] = field(default_factory=dict)
    launch_plans: dict[Key, launch_plan_pb2.LaunchPlan] = field(default_factory=dict)


def compiled(file: Path, name: str) -> compiler_pb2.CompiledWorkflowClosure:
    """Compile a workflow of a user's file as Flyte 1's control plane would at registration.

    Args:
        file: A Python file.
        name: A workflow or a launch plan in it.

    Raises:
        UsageError: There is no such file.
        SourceError: The file cannot be imported, has no such workflow, or the workflow does not compile.
    """
    found = serialized(file, name)
    spec = found.workflows[found.workflow]
    try:
        needs = workflow.requirements(spec.template, spec.sub_workflows)
        tasks = [found.tasks[key(one)].template for one in needs.tasks if key(one) in found.tasks]
        plans = [found.launch_plans[key(one)] for one in needs.launch_plans if key(one) in found.launch_plans]
        return workflow.compile(spec.template, spec.sub_workflows, tasks, plans)
    except CompileError as error:
        raise SourceError(str(file), f"{name} does not compile. {error}") from error


def serialized(file: Path, name: str) -> Serialized:
    """What flytekit would register for a workflow or a launch plan of a user's file.

    Raises:
        UsageError: There is no such file.
        SourceError: The file cannot be imported, or has no such entity.
    """
    if not file.is_file():
        raise UsageError(f"there is no file {str(file)!r}")
    with tempfile.TemporaryDirectory(prefix="flyte-bridge-") as scratch:
        directory = Path(scratch)
        words = [sys.executable, "-m", "flyte_bridge.serialize.worker", str(file.resolve()), name, scratch]
        try:
            done = subprocess.run(
                words,
                env=_environment(),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceError(str(file), f"importing it took more than {TIMEOUT:g} seconds") from None
        if done.returncode:
            said = directory / "error"
            reason = said.read_text() if said.exists() else f"the process ended with exit status {done.returncode}"
            trace = done.stderr.strip()
            raise SourceError(str(file), f"{reason}\n{trace}" if trace else reason)
        try:
            return _read(directory)
        except launch_plan.BadLaunchPlan as error:
            raise SourceError(str(file), f"a launch plan of {name} cannot be registered: {error}") from error


def _read(directory: Path) -> Serialized:
    found = Serialized()
    wanted = directory.joinpath("entity").read_text()
    plans: dict[Key, launch_plan_pb2.LaunchPlan] = {}
    for path in sorted(directory.iterdir()):
        match path.suffix:
            case ".task":
                task = task_pb2.TaskSpec.FromString(path.read_bytes())
                found.tasks[key(task.template.id)] = task
            case ".workflow":
                spec = workflow_pb2.WorkflowSpec.FromString(path.read_bytes())
                found.workflows[key(spec.template.id)] = spec
                if path.name == wanted:
                    found.workflow = key(spec.template.id)
            case ".launch_plan":
                plan = launch_plan_pb2.LaunchPlan.FromString(path.read_bytes())
                plans[key(plan.id)] = plan
                if path.name == wanted:
                    found.workflow = key(plan.spec.workflow_id)
            case ".reference":
                plan = launch_plan_pb2.LaunchPlan.FromString(path.read_bytes())
                found.launch_plans[key(plan.id)] = plan
    for at, plan in plans.items():
        launched = found.workflows.get(key(plan.spec.workflow_id))
        if launched is not None:
            found.launch_plans[at] = launch_plan.registered(plan.id, plan.spec, launched.template.interface)
    return found


def _environment() -> dict[str, str]:
    """The user's own, with this package importable; without telemetry."""
    own = str(Path(flyte_bridge.__file__).resolve().parent.parent)
    paths = [*os.environ.get("PYTHONPATH", "").split(os.pathsep), own]
    search = os.pathsep.join(dict.fromkeys(path for path in paths if path))
    return {**os.environ, "PYTHONPATH": search, "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}
