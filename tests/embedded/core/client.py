"""What the tests say to a backend, in few words."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl2.actions import actions_service_pb2, actions_service_pb2_grpc
from flyteidl2.cacheservice.v2 import cacheservice_pb2_grpc
from flyteidl2.common import identifier_pb2, list_pb2
from flyteidl2.core import interface_pb2, literals_pb2, tasks_pb2, types_pb2
from flyteidl2.project import project_service_pb2, project_service_pb2_grpc
from flyteidl2.settings import settings_service_pb2_grpc
from flyteidl2.task import common_pb2, run_pb2, task_definition_pb2, task_service_pb2_grpc
from flyteidl2.workflow import (
    internal_run_service_pb2_grpc,
    run_definition_pb2,
    run_service_pb2,
    run_service_pb2_grpc,
    translator_service_pb2_grpc,
)

from flyte_bridge.backend.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = "flytesnacks"
DOMAIN = "development"
TERMINAL = {int(phase) for phase in Phase if phase.terminal}


class Client:
    """The stubs, and the calls that every test makes."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.runs = run_service_pb2_grpc.RunServiceStub(channel)
        self.actions = actions_service_pb2_grpc.ActionsServiceStub(channel)
        self.tasks = task_service_pb2_grpc.TaskServiceStub(channel)
        self.projects = project_service_pb2_grpc.ProjectServiceStub(channel)
        self.internal = internal_run_service_pb2_grpc.InternalRunServiceStub(channel)
        self.cache = cacheservice_pb2_grpc.CacheServiceStub(channel)
        self.settings = settings_service_pb2_grpc.SettingsServiceStub(channel)
        self.translator = translator_service_pb2_grpc.TranslatorServiceStub(channel)

    def create(self, spec: task_definition_pb2.TaskSpec, name: str = "", **fields: Any) -> str:
        """Makes a run; returns its name."""
        request = run_service_pb2.CreateRunRequest(task_spec=spec, **fields)
        if name:
            request.run_id.CopyFrom(run_id(name))
        else:
            request.project_id.CopyFrom(identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN))
        return str(self.runs.CreateRun(request).run.action.id.run.name)

    def sleeping(self, seconds: float, name: str = "", **fields: Any) -> str:
        """Makes a run whose root sleeps, without a process; returns its name."""
        return self.create(sleep_spec(), name, inputs=sleep_inputs(seconds), **fields)

    def enqueue(self, run: str, name: str, parent: str = "a0", **spec: Any) -> None:
        """Adds a child."""
        action = actions_service_pb2.Action(
            action_id=action_id(run, name), parent_action_name=parent, input_uri="s3://flyte/none", **spec
        )
        self.actions.Enqueue(actions_service_pb2.EnqueueRequest(action=action))

    def condition(self, run: str, name: str = "c", kind: int = types_pb2.BOOLEAN, seconds: float = 0) -> None:
        """Adds a condition to a run."""
        condition = run_definition_pb2.ConditionAction(
            name=f"condition {name}", type=types_pb2.LiteralType(simple=kind), prompt="?"
        )
        condition.timeout.FromMicroseconds(int(seconds * 1e6))
        self.enqueue(run, name, condition=condition)

    def signal(self, run: str, name: str = "c", **value: Any) -> None:
        """Answers a condition."""
        payload = run_service_pb2.EventPayload(**value)
        self.runs.SignalEvent(run_service_pb2.SignalEventRequest(action_id=action_id(run, name), payload=payload))

    def details(self, run: str, name: str = "a0") -> run_definition_pb2.ActionDetails:
        """An action."""
        request = run_service_pb2.GetActionDetailsRequest(action_id=action_id(run, name))
        return self.runs.GetActionDetails(request).details

    def phase(self, run: str, name: str = "a0") -> Phase:
        """An action's phase."""
        return Phase(self.details(run, name).status.phase)

    def wait(self, run: str, name: str = "a0", timeout: float = 30) -> run_definition_pb2.ActionDetails:
        """An action once it has ended."""
        *_, last = self.watch(run, name, timeout)
        return last

    def watch(self, run: str, name: str = "a0", timeout: float = 30) -> Iterator[run_definition_pb2.ActionDetails]:
        """An action at each change."""
        request = run_service_pb2.WatchActionDetailsRequest(action_id=action_id(run, name))
        for response in self.runs.WatchActionDetails(request, timeout=timeout):
            yield response.details

    def until(self, run: str, phase: Phase, name: str = "a0", timeout: float = 20) -> None:
        """Waits until an action is in a phase."""
        ends = time.monotonic() + timeout
        while self.phase(run, name) is not phase:
            assert time.monotonic() < ends, f"{name} is {self.phase(run, name).name}, not {phase.name}"
            time.sleep(0.02)

    def abort(self, run: str, name: str = "a0", reason: str = "enough") -> None:
        """Aborts an action."""
        self.runs.AbortAction(run_service_pb2.AbortActionRequest(action_id=action_id(run, name), reason=reason))

    def list_runs(self, *filters: list_pb2.Filter, **fields: Any) -> list[str]:
        """The names of runs, all pages."""
        return [run.action.id.run.name for run in self.list_run_messages(*filters, **fields)]

    def list_run_messages(self, *filters: list_pb2.Filter, **fields: Any) -> list[run_definition_pb2.Run]:
        """Runs, all pages."""
        scope = {name: fields.pop(name) for name in ("task_name", "paused_actions_only") if name in fields}
        if "task_name" not in scope:
            scope["project_id"] = identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN)
        found, token = [], ""
        while True:
            request = list_pb2.ListRequest(filters=filters, token=token, **fields)
            response = self.runs.ListRuns(run_service_pb2.ListRunsRequest(request=request, **scope))
            found += response.runs
            token = response.token
            if not token:
                return found

    def list_actions(self, run: str, *filters: list_pb2.Filter, **fields: Any) -> list[str]:
        """The names of a run's actions, all pages."""
        found, token = [], ""
        while True:
            request = list_pb2.ListRequest(filters=filters, token=token, **fields)
            response = self.runs.ListActions(run_service_pb2.ListActionsRequest(request=request, run_id=run_id(run)))
            found += [action.id.name for action in response.actions]
            token = response.token
            if not token:
                return found

    def create_project(self, name: str) -> None:
        """Makes a project."""
        project = project_service_pb2.Project(id=name, name=name)
        self.projects.CreateProject(project_service_pb2.CreateProjectRequest(project=project))


def refused(code: grpc.StatusCode, match: str = "") -> Any:
    """A block in which a call must be refused with a status and a text."""
    return pytest.raises(grpc.RpcError, check=lambda error: error.code() is code and match in error.details())


def run_id(name: str) -> identifier_pb2.RunIdentifier:
    """A run of the default project."""
    return identifier_pb2.RunIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def action_id(run: str, name: str = "a0") -> identifier_pb2.ActionIdentifier:
    """An action of a run of the default project."""
    return identifier_pb2.ActionIdentifier(run=run_id(run), name=name)


def where(field: str, function: str, *values: object) -> list_pb2.Filter:
    """A filter."""
    number = list_pb2.Filter.Function.Value(function)
    return list_pb2.Filter(function=number, field=field, values=[str(value) for value in values])


def sort(key: str, *, descending: bool = False) -> list_pb2.Sort:
    """A sort."""
    return list_pb2.Sort(key=key, direction=list_pb2.Sort.DESCENDING if descending else list_pb2.Sort.ASCENDING)


def interface(**inputs: int) -> interface_pb2.TypedInterface:
    """An interface of simple inputs and no outputs."""
    message = interface_pb2.TypedInterface()
    for name, kind in inputs.items():
        entry = message.inputs.variables.add(key=name)
        entry.value.type.simple = kind
    return message


def sleep_spec(name: str = "test.sleep", version: str = "v1") -> task_definition_pb2.TaskSpec:
    """A task that sleeps without a process."""
    spec = task_definition_pb2.TaskSpec(short_name=name.rpartition(".")[2])
    template = spec.task_template
    template.type = "core-sleep"
    template.id.project, template.id.domain, template.id.name, template.id.version = PROJECT, DOMAIN, name, version
    template.interface.CopyFrom(interface(duration=types_pb2.DURATION))
    return spec


def sleep_inputs(seconds: float) -> common_pb2.Inputs:
    """Its input."""
    literal = literals_pb2.Literal()
    literal.scalar.primitive.duration.FromMicroseconds(int(seconds * 1e6))
    return common_pb2.Inputs(literals=[common_pb2.NamedLiteral(name="duration", value=literal)])


def python_spec(code: str, name: str = "test.python", **metadata: Any) -> task_definition_pb2.TaskSpec:
    """A task that runs Python code: a real process, with `{{.outputPrefix}}` as its first argument."""
    spec = task_definition_pb2.TaskSpec(short_name=name.rpartition(".")[2])
    template = spec.task_template
    template.type = "python-task"
    template.id.project, template.id.domain, template.id.name, template.id.version = PROJECT, DOMAIN, name, "v1"
    template.container.args.extend([sys.executable, "-c", code, "{{.outputPrefix}}", "{{.input}}"])
    template.metadata.CopyFrom(tasks_pb2.TaskMetadata(**metadata))
    template.interface.CopyFrom(interface())
    return spec


def integers(**values: int) -> common_pb2.Inputs:
    """Integer inputs."""
    inputs = common_pb2.Inputs()
    for name, value in values.items():
        inputs.literals.add(name=name).value.scalar.primitive.integer = value
    return inputs


def labelled(**labels: str) -> run_pb2.RunSpec:
    """A run spec with labels."""
    return run_pb2.RunSpec(labels=run_pb2.Labels(values=labels))
