"""The façade on the wire, called by grpc's own clients through real ports."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.admin import common_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import admin_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import admitted
from flyte_bridge import config, errors
from flyte_bridge.admin.health import Health
from flyte_bridge.admin.service import Facade
from flyte_bridge.admin.status import MAX_STATUS, fitting
from flyte_bridge.remote.server import Address, Server

from .certificates import self_signed
from .wire import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.embedded_client import instance

CLIENT_OPTIONS = (("grpc.max_metadata_size", 32 * 1024), ("grpc.max_receive_message_length", 20 * 1024 * 1024))
"""What flytekit sets."""


class Part:
    """Answers what the tests ask for: the name in the identifier says how."""

    async def get_task(self, request: common_pb2.ObjectGetRequest, context: CallContext) -> task_pb2.Task:
        name = request.id.name
        if name == "missing":
            raise errors.NotFound("entry not found", identifier_pb2.Identifier(name=name))
        if name == "defect":
            raise ZeroDivisionError("oh")
        if name == "long":
            raise errors.InvalidRequest("begin " + "é\n" * 40_000 + " end")
        if name == "slow":
            await asyncio.sleep(60)
        if name == "large":
            return task_pb2.Task(short_description="x" * (19 * 1024 * 1024))
        told = f"{context.bearer} {context.remaining is not None} {context.peer.partition(':')[0]}"
        return task_pb2.Task(id=request.id, short_description=told)

    async def create_workflow(self, request: Any, context: CallContext) -> workflow_pb2.WorkflowCreateResponse:
        return workflow_pb2.WorkflowCreateResponse()


@pytest.fixture(scope="module")
def facade() -> Facade:
    """What is served."""
    return Facade(None, config.Settings(), (Part(), Health(None)))


@pytest.fixture(scope="module")
def server(facade: Facade) -> Iterator[Server]:
    """A plain server."""
    with served(facade) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    """A connection to it."""
    with grpc.insecure_channel(server.endpoint, options=CLIENT_OPTIONS) as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel: grpc.Channel) -> Any:
    """AdminService there."""
    return admin_pb2_grpc.AdminServiceStub(channel)


def named(name: str) -> common_pb2.ObjectGetRequest:
    """A request for a task of that name."""
    return common_pb2.ObjectGetRequest(id=identifier_pb2.Identifier(name=name))


def refusal(call: Any, *args: Any, **more: Any) -> Any:
    """What a call that must fail fails with."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*args, **more)
    return caught.value


def test_a_call(stub: Any) -> None:
    """A handler is told the caller's token, deadline and address; without a deadline it is told that there is none."""
    metadata = (("flyte-authorization", "Bearer t"),)
    assert stub.GetTask(named("a"), timeout=30, metadata=metadata).short_description == "t True ipv4"
    assert stub.GetTask(named("a")).short_description == "None False ipv4"


def test_statuses(stub: Any) -> None:
    """Refusals keep code, message and details; defects are INTERNAL; the caller's deadline holds."""
    from grpc_status import rpc_status

    error = refusal(stub.GetTask, named("missing"))
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "entry not found")
    rich = rpc_status.from_call(error)
    assert rich is not None
    assert len(rich.details) == 1
    assert refusal(stub.GetTask, named("defect")).code() is grpc.StatusCode.INTERNAL
    assert refusal(stub.GetTask, named("slow"), timeout=0.1).code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_long_messages_arrive(stub: Any) -> None:
    """A message that is too long for a client's headers is cut in the middle, so that the code arrives."""
    error = refusal(stub.GetTask, named("long"))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("begin é")
    assert error.details().endswith(" end")
    assert " […] " in error.details()


def test_fitting() -> None:
    """A short message stays as it is; a long one is at most as long as clients take, and not much shorter."""
    assert fitting("short — ü") == "short — ü"
    cut = fitting("a" * 50_000)
    assert MAX_STATUS - 20 <= len(cut) <= MAX_STATUS


def test_long_messages_arrive_from_the_embedded_port(backend: instance.Instance) -> None:
    """So they are by the backend that serves the façade itself."""
    with admitted.channel(backend.endpoint, backend.access, CLIENT_OPTIONS) as channel:
        request = named("x" * 40_000)
        request.id.project, request.id.domain, request.id.version = "flytesnacks", "development", "v"
        request.id.resource_type = identifier_pb2.TASK
        error = refusal(admin_pb2_grpc.AdminServiceStub(channel).GetTask, request)
    assert error.code() in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT}
    assert len(error.details()) < 2 * MAX_STATUS


def test_unknown_and_malformed(stub: Any, channel: grpc.Channel) -> None:
    """Unknown services and RPCs, and those nobody answers, are UNIMPLEMENTED; bytes that are no message INVALID."""
    for path in ("/no.such.Service/Rpc", "/flyteidl.service.AdminService/NoSuch", "/flyteidl.service.AgentService/X"):
        error = refusal(channel.unary_unary(path), b"")
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert path in error.details()
    assert refusal(stub.GetWorkflow, named("a")).code() is grpc.StatusCode.UNIMPLEMENTED
    broken = channel.unary_unary("/flyteidl.service.AdminService/GetTask")
    assert refusal(broken, b"\xff\xff\xff").code() is grpc.StatusCode.INVALID_ARGUMENT


def test_large_messages(stub: Any) -> None:
    """Replies of 19 MiB and requests of 30 MiB pass; a request of 70 MiB is refused by name."""
    assert len(stub.GetTask(named("large")).short_description) == 19 * 1024 * 1024

    def request(size: int) -> workflow_pb2.WorkflowCreateRequest:
        return workflow_pb2.WorkflowCreateRequest(id=identifier_pb2.Identifier(name="x" * size))

    stub.CreateWorkflow(request(30 * 1024 * 1024))
    assert refusal(stub.CreateWorkflow, request(70 * 1024 * 1024)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_health(channel: grpc.Channel) -> None:
    """Health is SERVING for the server and each of its services, and NOT_FOUND for others."""
    stub = health_pb2_grpc.HealthStub(channel)
    for service in ("", "flyteadmin", "flyteidl.service.AdminService", "grpc.health.v1.Health"):
        reply = stub.Check(health_pb2.HealthCheckRequest(service=service))
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
    assert refusal(stub.Check, health_pb2.HealthCheckRequest(service="x")).code() is grpc.StatusCode.NOT_FOUND
    error = refusal(lambda: next(stub.Watch(health_pb2.HealthCheckRequest())))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_client_that_pings_often(server: Server) -> None:
    """A client may ping as often as flytekit does, and oftener: nobody hangs up on it."""
    options = (
        ("grpc.keepalive_time_ms", 100),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    )
    states: list[grpc.ChannelConnectivity] = []
    with grpc.insecure_channel(server.endpoint, options=options) as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        stub.GetTask(named("a"))
        channel.subscribe(states.append)
        assert refusal(stub.GetTask, named("slow"), timeout=3).code() is grpc.StatusCode.DEADLINE_EXCEEDED
        stub.GetTask(named("a"))
    assert grpc.ChannelConnectivity.TRANSIENT_FAILURE not in states
    assert grpc.ChannelConnectivity.IDLE not in states


def test_a_taken_port(facade: Facade) -> None:
    """A port that is taken, also by another gateway, is an error that says so."""
    with (
        served(facade) as first,
        pytest.raises(errors.PortInUse, match=str(first.port)),
        served(facade, Address(port=first.port)),
    ):
        pass
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(errors.PortInUse), served(facade, Address(port=port)):
            pass


def test_tls(facade: Facade, tmp_path: Path) -> None:
    """With a certificate the server speaks TLS, to clients that trust it; flytekit fetches it when told not to care."""
    certificate, key = self_signed(tmp_path)
    with served(facade, Address(certificate=certificate, key=key)) as server:
        trusting = grpc.ssl_channel_credentials(certificate.read_bytes())
        with grpc.secure_channel(server.endpoint, trusting) as channel:
            assert admin_pb2_grpc.AdminServiceStub(channel).GetTask(named("a")).id.name == "a"
        with grpc.secure_channel(server.endpoint, grpc.ssl_channel_credentials()) as channel:
            stub = admin_pb2_grpc.AdminServiceStub(channel)
            assert refusal(stub.GetTask, named("a"), timeout=30).code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    "files",
    [("tls.crt", None), (None, "tls.key"), ("tls.key", "tls.crt"), ("none", "tls.key")],
    ids=["no key", "no certificate", "swapped", "not there"],
)
def test_bad_certificates(facade: Facade, tmp_path: Path, files: tuple[str | None, str | None]) -> None:
    """A certificate without its key, or that is none, is refused before anything listens."""
    self_signed(tmp_path)
    certificate, key = (tmp_path / name if name else None for name in files)
    with pytest.raises(errors.UsageError), served(facade, Address(certificate=certificate, key=key)):
        pass
