"""The in-process channel, under flytekit's real client and grpc's own stubs and interceptors."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from flyteidl.admin import common_pb2, task_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import admin_pb2_grpc, identity_pb2, identity_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flyte_bridge import config, errors
from flyte_bridge.admin.service import Facade
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.in_process import Home

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.admin.context import CallContext


class Part:
    """Answers what the tests ask for: the name in the identifier says how."""

    def __init__(self) -> None:
        self.seen: list[CallContext] = []
        self.cancelled = threading.Event()
        self.begun = threading.Event()
        self.kept: list[Any] = []

    async def get_task(self, request: common_pb2.ObjectGetRequest, context: CallContext) -> task_pb2.Task:
        self.seen.append(context)
        name = request.id.name
        if name == "missing":
            raise errors.NotFound("entry not found", identifier_pb2.Identifier(name=name))
        if name == "defect":
            raise ZeroDivisionError("oh")
        if name == "slow":
            self.begun.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        reply = task_pb2.Task(id=request.id)
        self.kept.append(reply)
        return reply


@pytest.fixture
def part() -> Part:
    """What answers."""
    return Part()


@pytest.fixture
def home(part: Part) -> Iterator[Home]:
    """Where it lives."""

    async def make() -> Facade:
        return Facade(None, config.Settings(), (part,))

    async def close(_: Facade) -> None:
        return

    made = Home(make, close)
    yield made
    made.close()


@pytest.fixture
def stub(home: Home) -> admin_pb2_grpc.AdminServiceStub:
    """AdminService's generated stub over the channel."""
    return admin_pb2_grpc.AdminServiceStub(Channel(home))


def named(name: str) -> common_pb2.ObjectGetRequest:
    """A request for a task of that name."""
    return common_pb2.ObjectGetRequest(id=identifier_pb2.Identifier(name=name))


def test_a_call_is_answered(stub: Any, part: Part) -> None:
    """A reply comes back; the handler knows the method, the metadata and the deadline."""
    reply = stub.GetTask(named("a"), timeout=30, metadata=(("authorization", "Bearer t"),))
    assert reply.id.name == "a"
    (context,) = part.seen
    assert context.method == "/flyteidl.service.AdminService/GetTask"
    assert context.bearer == "t"
    assert context.expires_at is not None


def test_messages_are_copies(stub: Any, part: Part) -> None:
    """Neither side can change what the other holds."""
    request = named("a")
    reply = stub.GetTask(request)
    reply.id.name = "changed"
    assert part.kept[0].id.name == "a"
    assert request.id.name == "a"


def test_a_refusal_is_an_rpc_error(stub: Any) -> None:
    """A refusal has grpc's code, details and rich status, and is an exception, a call and a future in one."""
    from grpc_status import rpc_status

    with pytest.raises(grpc.RpcError) as caught:
        stub.GetTask(named("missing"))
    error: Any = caught.value
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "entry not found")
    assert isinstance(error, grpc.Call)
    assert isinstance(error, grpc.Future)
    assert type(error).__mro__[1].__name__ == "_InactiveRpcError"  # what pyflyte and many scripts look for
    assert "NOT_FOUND" in str(error)
    rich = rpc_status.from_call(error)
    assert rich is not None
    assert len(rich.details) == 1


def test_a_defect_is_internal(stub: Any) -> None:
    """A handler's exception is INTERNAL, never UNKNOWN."""
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetTask(named("defect"))
    assert caught.value.code() is grpc.StatusCode.INTERNAL


def test_with_call_and_future(stub: Any) -> None:
    """`with_call` gives the call beside the reply, `future` gives both in time; failures are values there."""
    reply, call = stub.GetTask.with_call(named("a"))
    assert (reply.id.name, call.code(), call.details(), call.trailing_metadata()) == ("a", grpc.StatusCode.OK, "", ())
    future = stub.GetTask.future(named("b"))
    told: list[str] = []
    future.add_done_callback(lambda done: told.append(done.result().id.name))
    assert future.result(30).id.name == "b"
    assert future.result() is future.result()
    assert future.done()
    assert not future.running()
    failed = stub.GetTask.future(named("missing"))
    assert failed.exception(30).code() is grpc.StatusCode.NOT_FOUND
    assert failed.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError):
        failed.result()


def test_deadlines(stub: Any, part: Part) -> None:
    """A call that takes longer than its timeout is DEADLINE_EXCEEDED, and its handler is cut off."""
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetTask(named("slow"), timeout=0.05)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert part.cancelled.wait(30)


def test_cancelling(stub: Any, part: Part) -> None:
    """A cancelled future cancels the handler; asking it on is an error of grpc's own kind."""
    future = stub.GetTask.future(named("slow"))
    assert part.begun.wait(30)
    with pytest.raises(grpc.FutureTimeoutError):
        future.result(0.01)
    assert future.is_active()
    assert future.cancel()
    assert part.cancelled.wait(30)
    assert future.cancelled()
    assert future.code() is grpc.StatusCode.CANCELLED
    with pytest.raises(grpc.FutureCancelledError):
        future.result()


def test_what_there_is_not(stub: Any, home: Home) -> None:
    """Unanswered RPCs, unknown ones, streams and call credentials are UNIMPLEMENTED by name; bad bytes are refused."""
    channel = Channel(home)
    calls = [
        lambda: stub.GetWorkflow(named("a")),
        lambda: channel.unary_unary("/no.such/Rpc", bytes, bytes)(b""),
        lambda: health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()),
        lambda: stub.GetTask(named("a"), credentials=grpc.access_token_call_credentials("t")),
    ]
    for call in calls:
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/flyteidl.service.AdminService/GetTask", bytes, bytes)(b"\xff\xff")
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_closed_channel(home: Home) -> None:
    """A closed channel refuses calls as grpc's own does, and leaves others alone."""
    other = admin_pb2_grpc.AdminServiceStub(Channel(home))
    with Channel(home) as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
    with pytest.raises(ValueError, match="closed channel"):
        stub.GetTask(named("a"))
    assert other.GetTask(named("a")).id.name == "a"


def test_many_threads(stub: Any) -> None:
    """Sixteen threads at once each get their own reply."""
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda number: stub.GetTask(named(f"t{number}")).id.name, range(400)))
    assert replies == [f"t{number}" for number in range(400)]


def test_a_home_that_cannot_be_made() -> None:
    """While the backend cannot be reached each call says so; as soon as it can, calls succeed."""
    tries = 0

    async def make() -> Facade:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise errors.Unavailable("nobody listens")
        return Facade(None, config.Settings(), (Part(),))

    async def close(_: Facade) -> None:
        return

    home = Home(make, close)
    stub = admin_pb2_grpc.AdminServiceStub(Channel(home))
    for _ in range(2):
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetTask(named("a"))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert stub.GetTask(named("a")).id.name == "a"
    home.close()
    assert stub.GetTask(named("a")).id.name == "a"  # starts anew
    home.close()


def _in_child(stub: Any, answers: Any) -> None:
    answers.put(stub.GetTask(named("child"), timeout=60).id.name)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child(stub: Any) -> None:
    """A child that was forked from a process with a running home has a home of its own."""
    assert stub.GetTask(named("parent")).id.name == "parent"
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(stub, answers))
    child.start()
    assert answers.get() == "child"
    child.join(60)
    assert child.exitcode == 0
    assert stub.GetTask(named("parent")).id.name == "parent"


def _ask_in_child(home: Home, answers: Any) -> None:
    stub = identity_pb2_grpc.IdentityServiceStub(Channel(home))
    answers.put(stub.UserInfo(identity_pb2.UserInfoRequest(), timeout=60).subject)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_of_a_real_connection(real_home: Home) -> None:
    """Also with gRPC to a backend behind, a process that has called can be forked, and both go on."""
    stub = identity_pb2_grpc.IdentityServiceStub(Channel(real_home))
    name = stub.UserInfo(identity_pb2.UserInfoRequest()).subject
    context = multiprocessing.get_context("fork")
    for _ in range(2):
        answers = context.SimpleQueue()
        child = context.Process(target=_ask_in_child, args=(real_home, answers))
        child.start()
        assert answers.get() == name
        child.join(60)
        assert child.exitcode == 0
        assert stub.UserInfo(identity_pb2.UserInfoRequest()).subject == name


def test_flytekits_client(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """flytekit's own client, with its interceptors, retries and error mapping, works on the channel."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from flytekit.clients import raw
    from flytekit.clients.friendly import SynchronousFlyteClient
    from flytekit.configuration import PlatformConfig
    from flytekit.exceptions.system import FlyteSystemException
    from flytekit.exceptions.user import FlyteEntityNotExistException
    from flytekit.models.core.identifier import Identifier, ResourceType

    monkeypatch.setattr(raw, "get_channel", lambda *_, **__: Channel(home))
    client = SynchronousFlyteClient(PlatformConfig(endpoint="nowhere.example"))
    with pytest.raises(FlyteEntityNotExistException):
        client.get_task(Identifier(ResourceType.TASK, "p", "d", "missing", "v"))
    with pytest.raises(FlyteSystemException):
        client.get_task(Identifier(ResourceType.TASK, "p", "d", "defect", "v"))
