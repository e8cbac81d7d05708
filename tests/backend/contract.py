"""A Flyte 2 as the contract suite speaks to it: the generated clients, and requests that need no image."""

from __future__ import annotations

import base64
import hashlib
import time
import urllib.request
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.interceptor import MetadataInterceptorSync
from flyteidl2.actions import actions_service_connect
from flyteidl2.common import identifier_pb2, phase_pb2
from flyteidl2.core import interface_pb2, literals_pb2, tasks_pb2, types_pb2
from flyteidl2.dataproxy import dataproxy_service_connect
from flyteidl2.project import project_service_connect, project_service_pb2
from flyteidl2.task import common_pb2, task_definition_pb2, task_service_connect, task_service_pb2
from flyteidl2.trigger import trigger_service_connect
from flyteidl2.workflow import (
    run_definition_pb2,
    run_service_connect,
    run_service_pb2,
    translator_service_connect,
)
from google.protobuf.duration_pb2 import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOMAIN = "development"


class _Headers(MetadataInterceptorSync[None]):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def on_start_sync(self, ctx: Any) -> None:
        for name, value in self._headers.items():
            ctx.request_headers()[name] = value

    def on_end_sync(self, token: None, ctx: Any, error: Any) -> None:
        pass


@dataclass
class Flyte2:
    """A backend and the suite's project on it.

    Attributes:
        embedded: Whether it is ours.
        like_go: Whether it does what the Go backend does, because it is one or behaves as one.
    """

    url: str
    project: str
    headers: Mapping[str, str]
    embedded: bool
    like_go: bool = False

    def client(self, kind: Any, **more: Any) -> Any:
        """A client of a generated class."""
        return kind(self.url, interceptors=[_Headers(self.headers)], timeout_ms=30_000, **more)

    @cached_property
    def runs(self) -> run_service_connect.RunServiceClientSync:
        return self.client(run_service_connect.RunServiceClientSync)

    @cached_property
    def tasks(self) -> task_service_connect.TaskServiceClientSync:
        return self.client(task_service_connect.TaskServiceClientSync)

    @cached_property
    def triggers(self) -> trigger_service_connect.TriggerServiceClientSync:
        return self.client(trigger_service_connect.TriggerServiceClientSync)

    @cached_property
    def projects(self) -> project_service_connect.ProjectServiceClientSync:
        return self.client(project_service_connect.ProjectServiceClientSync)

    @cached_property
    def data(self) -> dataproxy_service_connect.DataProxyServiceClientSync:
        return self.client(dataproxy_service_connect.DataProxyServiceClientSync)

    @cached_property
    def translator(self) -> translator_service_connect.TranslatorServiceClientSync:
        return self.client(translator_service_connect.TranslatorServiceClientSync)

    @cached_property
    def actions(self) -> actions_service_connect.ActionsServiceClientSync:
        """In-cluster only on a real backend."""
        return self.client(actions_service_connect.ActionsServiceClientSync)

    # -- what tests need again and again ------------------------------------------------------------------------------

    def create_project(self) -> None:
        """The suite's own project."""
        project = project_service_pb2.Project(id=self.project, name=self.project)
        self.projects.create_project(project_service_pb2.CreateProjectRequest(project=project))

    def run_id(self, name: str = "") -> identifier_pb2.RunIdentifier:
        """A run's identity; of a new name unless one is given."""
        return identifier_pb2.RunIdentifier(
            org="local", project=self.project, domain=DOMAIN, name=name or f"c{uuid.uuid4().hex[:12]}"
        )

    def action_id(self, run: str, name: str = "a0") -> identifier_pb2.ActionIdentifier:
        """An action's identity."""
        return identifier_pb2.ActionIdentifier(run=self.run_id(run), name=name)

    def task_id(self, name: str, version: str = "v1") -> task_definition_pb2.TaskIdentifier:
        """A task's identity."""
        return task_definition_pb2.TaskIdentifier(
            org="local", project=self.project, domain=DOMAIN, name=name, version=version
        )

    def deploy(self, name: str, version: str = "v1", **more: Any) -> task_definition_pb2.TaskIdentifier:
        """Deploys a task that sleeps."""
        task_id = self.task_id(name, version)
        self.tasks.deploy_task(task_service_pb2.DeployTaskRequest(task_id=task_id, spec=sleep_spec(task_id), **more))
        return task_id

    def start(self, seconds: float, name: str = "", **more: Any) -> str:
        """Starts a run that sleeps; its name."""
        run_id = self.run_id(name)
        response = self.runs.create_run(
            run_service_pb2.CreateRunRequest(
                run_id=run_id,
                task_spec=sleep_spec(self.task_id("contract.sleep")),
                inputs=sleep_inputs(seconds),
                source=run_definition_pb2.RUN_SOURCE_CLI,
                **more,
            )
        )
        assert response.run.action.id.name == "a0"
        return str(response.run.action.id.run.name)

    def details(self, run: str, name: str = "a0") -> run_definition_pb2.ActionDetails:
        """An action's details."""
        request = run_service_pb2.GetActionDetailsRequest(action_id=self.action_id(run, name))
        return self.runs.get_action_details(request).details

    def wait(self, run: str, name: str = "a0") -> run_definition_pb2.ActionDetails:
        """Watches an action to its end; a watch may end before it (the Go backend's does with the action's last event)."""
        request = run_service_pb2.WatchActionDetailsRequest(action_id=self.action_id(run, name))
        until = time.monotonic() + 120
        last = None
        while time.monotonic() < until:
            for response in self.runs.watch_action_details(request, timeout_ms=120_000):
                last = response.details
                if last.status.phase in ENDED:
                    return last
            time.sleep(0.05)
        raise AssertionError(f"the watch ended at {last}")

    def appeared(self, run: str, name: str) -> run_definition_pb2.ActionDetails:
        """An action's details, which a reader may not find right after its enqueue."""
        until = time.monotonic() + 30
        while True:
            try:
                return self.details(run, name)
            except ConnectError as error:
                if error.code != Code.NOT_FOUND or time.monotonic() > until:
                    raise
            time.sleep(0.05)

    def abort(self, run: str, reason: str = "no longer needed") -> None:
        """Aborts a run."""
        self.runs.abort_run(run_service_pb2.AbortRunRequest(run_id=self.run_id(run), reason=reason))


ENDED = {
    phase_pb2.ACTION_PHASE_SUCCEEDED,
    phase_pb2.ACTION_PHASE_FAILED,
    phase_pb2.ACTION_PHASE_ABORTED,
    phase_pb2.ACTION_PHASE_TIMED_OUT,
}


def sleep_spec(task_id: task_definition_pb2.TaskIdentifier) -> task_definition_pb2.TaskSpec:
    """A task that sleeps: no container, one input of type duration."""
    interface = interface_pb2.TypedInterface(
        inputs=interface_pb2.VariableMap(
            variables=[
                interface_pb2.VariableEntry(
                    key="duration",
                    value=interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.DURATION)),
                )
            ]
        ),
        outputs=interface_pb2.VariableMap(),
    )
    template = tasks_pb2.TaskTemplate(
        id={"project": task_id.project, "domain": task_id.domain, "name": task_id.name, "version": task_id.version},
        type="core-sleep",
        interface=interface,
        metadata=tasks_pb2.TaskMetadata(),
    )
    return task_definition_pb2.TaskSpec(task_template=template, short_name=task_id.name.rpartition(".")[2])


def sleep_inputs(seconds: float) -> common_pb2.Inputs:
    """How long to sleep."""
    duration = Duration()
    duration.FromNanoseconds(int(seconds * 1e9))
    literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(duration=duration)))
    return common_pb2.Inputs(literals=[common_pb2.NamedLiteral(name="duration", value=literal)])


@contextmanager
def refused(code: Code, text: str = "") -> Iterator[None]:
    """Holds that the block is refused with this status."""
    with pytest.raises(ConnectError) as refusal:
        yield
    assert refusal.value.code == code, refusal.value
    assert text in str(refusal.value)


def put(location: Any, content: bytes) -> urllib.request.Request:
    """The request that uploads to a signed URL. Its length is its own: the Go backend tells another, its checksum's."""
    told = {name: value for name, value in location.headers.items() if name.lower() != "content-length"}
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    return urllib.request.Request(
        location.signed_url, data=content, method="PUT", headers={"Content-MD5": digest, **told}
    )
