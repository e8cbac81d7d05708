"""Flyte 1's control plane over a backend that behaves as the Go one: what flytekit sees is the same."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import identity_pb2, identity_pb2_grpc
from flytekit.exceptions.system import FlyteSystemException
from flytekit.models.core.execution import NodeExecutionPhase, WorkflowExecutionPhase

import admitted
from admin.conftest import CODE
from admin.control import DOMAIN, PROJECT, VERSION, Control
from flyte_bridge import config
from flyte_bridge.embedded_client import instance
from flyte_bridge.remote import diagnosis
from flyte_bridge.remote.flyte_remote import FlyteRemote
from flyte_bridge.remote.in_process import home_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """A `FlyteRemote` on it."""
    data_dir = tmp_path_factory.mktemp("go") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]))
        patch.setenv("FLYTE_BRIDGE_EMBEDDED_LIKE", "go")
        running = instance.start(data_dir)
        made = config.load(data_dir=data_dir, task_allow="registration")
    remote = FlyteRemote(settings=made, default_project=PROJECT, default_domain=DOMAIN)
    yield Control(running, remote)
    home_of(made).close()
    instance.stop(data_dir)


def test_a_failed_child_execution_is_shown_failed(go: Control, flows: Any) -> None:
    """Node and map, though the backend has recorded both as succeeded (D2); codes are those of `error.pb` (D6)."""
    execution = go.run(flows.failing, {"a": 1})
    assert execution.closure.phase == WorkflowExecutionPhase.FAILED
    assert execution.error.code == "USER:RuntimeError"
    (failed,) = (node for node in execution.node_executions.values() if node.closure.phase == NodeExecutionPhase.FAILED)
    assert failed.closure.error.code == "USER:RuntimeError"


def test_a_deck_is_found_where_flytekit_writes_it(go: Control, flows: Any) -> None:
    """A task with a deck has a link to it, one without tells of none (D14)."""
    execution = go.run(flows.tasks, {"a": 3})
    decks = {uid: node.closure.deck_uri for uid, node in execution.node_executions.items() if node.closure.deck_uri}
    (uid,) = decks
    assert decks[uid].endswith("/deck.html")
    link = go.client.get_download_artifact_signed_url(uid, PROJECT, DOMAIN, execution.id.name)
    assert link.pre_signed_urls.signed_url[0].startswith("http")


def test_a_name_that_another_domain_holds_is_refused(go: Control, flows: Any) -> None:
    """The run would be queued for ever, without a word (D16)."""
    name = f"held-{uuid.uuid4().hex[:8]}"
    go.run(flows.child, {"a": 3}, execution_name=name)
    spec = execution_pb2.ExecutionSpec(
        launch_plan=identifier_pb2.Identifier(
            resource_type=identifier_pb2.LAUNCH_PLAN,
            project=PROJECT,
            domain=DOMAIN,
            name="flows.child",
            version=VERSION,
        )
    )
    request = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain="staging", name=name, spec=spec)
    request.inputs.literals["a"].scalar.primitive.integer = 3
    with pytest.raises(FlyteSystemException) as refusal:
        go.client._stub.CreateExecution(request)
    cause: Any = refusal.value.__cause__
    assert cause.code().name == "FAILED_PRECONDITION"
    assert f"{PROJECT}/{DOMAIN}" in cause.details()


def test_an_upload_keeps_its_length(go: Control, tmp_path: Path) -> None:
    """The backend tells a `Content-Length` that is its checksum's (P1)."""
    file = tmp_path / "file.bin"
    file.write_bytes(b"x" * 1000)
    _, uri = go.remote.upload_file(file)
    place = go.client.get_download_signed_url(uri).signed_url
    import urllib.request

    with urllib.request.urlopen(place, timeout=30) as answer:
        assert answer.read() == file.read_bytes()


def test_a_dynamic_task_runs_alone(go: Control, flows: Any) -> None:
    """Its `outputs.pb` holds a marker, of which the backend makes no error (D9, D15)."""
    go.register(flows.everything)
    from admin.test_single_tasks import _registered

    execution = go.done(go.remote.execute(_registered(go, flows.fan), inputs={"n": 3}))
    assert execution.outputs["o0"] == 5


def test_a_caller_whom_flyte_2_does_not_know_is_nobody(go: Control) -> None:
    """It says UNAUTHENTICATED of whom nothing before it has named; flyteadmin without logins says an empty record."""
    assert go.running.access is not None
    with admitted.channel(go.endpoint, go.running.access) as channel:
        stub = identity_pb2_grpc.IdentityServiceStub(channel)
        assert stub.UserInfo(identity_pb2.UserInfoRequest()) == identity_pb2.UserInfoResponse()


def test_doctor_goes_on_where_nobody_is_known(go: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that lets callers through without knowing them is well, and its storage is looked at."""
    assert go.running.access is not None
    monkeypatch.setenv("FLYTE_BRIDGE_ENDPOINT", go.endpoint)
    monkeypatch.setenv("FLYTE_BRIDGE_INSECURE", "1")
    monkeypatch.setenv("FLYTE_BRIDGE_TOKEN", go.running.access.token)
    told = {check.about: check for check in diagnosis.examine(None, {})}
    assert told["identity"].state == "well"
    assert "without knowing them" in told["identity"].text
    assert told["storage"].state == "well"
