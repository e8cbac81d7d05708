"""The façade's table: every RPC is answered by name, and every error has one status."""

import asyncio
import logging
import time
from typing import Any

import grpc
import pytest
from flyteidl.admin import task_pb2, version_pb2
from flyteidl.service import identity_pb2

from flyte_bridge import config, errors
from flyte_bridge.admin import status
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.methods import METHODS, NEVER
from flyte_bridge.admin.service import Facade

GET_VERSION = "/flyteidl.service.AdminService/GetVersion"
USER_INFO = "/flyteidl.service.IdentityService/UserInfo"


def every_error(kind: type = errors.BridgeError) -> set[type]:
    """All classes of the error tree that `errors` defines."""
    here = {kind} if kind.__module__ == errors.__name__ else set()
    return here.union(*(every_error(sub) for sub in kind.__subclasses__()))


def ask(parts: tuple[object, ...], path: str, request: Any, timeout: float | None = None) -> Any:
    """One call of a façade that is made of `parts`."""
    facade = Facade(None, config.Settings(), parts)
    return asyncio.run(facade.call(path, request, CallContext.of(path, timeout=timeout)))


def test_every_error_has_a_status() -> None:
    """The table of statuses has each error of the tree and nothing else."""
    assert set(status.CODES) == every_error()


def test_an_errors_own_code_is_its_status() -> None:
    """A `StatusError` leaves with the code it names; the bare one is a defect and leaves as INTERNAL."""
    for kind in errors.StatusError.__subclasses__():
        assert status.code_of(kind("why")).name == kind.code
    assert status.code_of(errors.StatusError("why")) is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError(), OSError("disk")])
def test_nothing_leaves_as_unknown(error: Any) -> None:
    """An exception that nobody foresaw is INTERNAL: at UNKNOWN, flytekit would open a browser to log in."""
    assert status.code_of(error) is grpc.StatusCode.INTERNAL
    assert "please report it" in status.message_of(error)


def test_details_travel() -> None:
    """The details of an error are in the trailers, as grpc_status reads them."""
    from google.rpc import status_pb2

    detail = version_pb2.Version(Version="v1")
    ((key, data),) = status.trailers_of(errors.NotFound("entry not found", detail))
    rich = status_pb2.Status.FromString(data)
    told = version_pb2.Version()
    assert key == "grpc-status-details-bin"
    assert (rich.code, rich.message) == (5, "entry not found")
    assert rich.details[0].Unpack(told)
    assert told == detail
    assert status.trailers_of(errors.NotFound("entry not found")) == ()


def test_the_table_has_all_of_flyte_1() -> None:
    """56 RPCs of AdminService, 3 of SignalService, 4 of DataProxyService, 2 of AuthMetadataService, and the rest."""
    counts: dict[str, int] = {}
    for path in METHODS:
        service = path.split("/")[1].rpartition(".")[2]
        counts[service] = counts.get(service, 0) + 1
    assert counts.pop("Health") >= 2
    assert counts == {
        "AdminService": 56,
        "SignalService": 3,
        "DataProxyService": 4,
        "AuthMetadataService": 2,
        "IdentityService": 1,
    }


def test_a_part_answers_by_name() -> None:
    """A part's coroutine gets the request and the context."""

    class Part:
        async def user_info(
            self, request: identity_pb2.UserInfoRequest, context: CallContext
        ) -> identity_pb2.UserInfoResponse:
            return identity_pb2.UserInfoResponse(subject=context.method)

    assert ask((Part(),), USER_INFO, identity_pb2.UserInfoRequest()).subject == USER_INFO


def test_an_unanswered_rpc_is_refused_by_name() -> None:
    """What no part answers, what nobody ever will, and what is no RPC at all are UNIMPLEMENTED, each with its name."""
    for path, word in (
        (GET_VERSION, "GetVersion"),
        ("/flyteidl.service.AdminService/CreateNodeEvent", "engine"),
        ("/no.such.Service/Method", "/no.such.Service/Method"),
    ):
        with pytest.raises(errors.Unimplemented, match=word):
            ask((), path, version_pb2.GetVersionRequest())


def test_never_is_never() -> None:
    """The RPCs that are refused for good exist, and stay refused when a part has them."""
    assert {method.name for method in METHODS.values()} >= set(NEVER)

    class Part:
        async def create_node_event(self, request: Any, context: CallContext) -> Any:
            raise AssertionError("must not be asked")

    with pytest.raises(errors.Unimplemented):
        ask((Part(),), "/flyteidl.service.AdminService/CreateNodeEvent", None)


def test_the_callers_deadline_holds() -> None:
    """A handler that takes longer than the caller waits is cut off, and that is DEADLINE_EXCEEDED."""
    cut: list[bool] = []

    class Part:
        async def get_task(self, request: Any, context: CallContext) -> Any:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cut.append(True)
                raise

    with pytest.raises((TimeoutError, asyncio.TimeoutError)) as caught:
        ask((Part(),), "/flyteidl.service.AdminService/GetTask", task_pb2.Task(), timeout=0.01)
    assert status.code_of(caught.value) is grpc.StatusCode.DEADLINE_EXCEEDED
    assert cut == [True]


def test_a_defect_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What a handler raises by mistake is logged with its traceback, where it happened."""

    class Part:
        async def get_task(self, request: Any, context: CallContext) -> Any:
            raise ZeroDivisionError("oh")

    with caplog.at_level(logging.ERROR, "flyte_bridge.admin"), pytest.raises(ZeroDivisionError):
        ask((Part(),), "/flyteidl.service.AdminService/GetTask", task_pb2.Task())
    assert "ZeroDivisionError: oh" in caplog.text


def test_context_reads_the_token() -> None:
    """The bearer token is found under both keys that Flyte uses, and a context never shows it."""
    for key in ("authorization", "Authorization", "flyte-authorization"):
        context = CallContext.of("/m", [(key, "Bearer s3cret")])
        assert context.bearer == "s3cret"
        assert "s3cret" not in repr(context)
    assert CallContext.of("/m", [("authorization", "Basic abc")]).bearer is None
    assert CallContext.of("/m").bearer is None


def test_context_counts_down() -> None:
    """A context tells how long the caller still waits, never less than nothing."""
    assert CallContext.of("/m").remaining is None
    left = CallContext.of("/m", timeout=60).remaining
    assert left is not None
    assert 0 < left <= 60
    assert CallContext("/m", (), time.monotonic() - 5).remaining == 0
