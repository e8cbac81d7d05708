"""What nobody should send: names with quotes and paths in them, numbers out of range, nothing at all."""

from __future__ import annotations

import itertools
from typing import Any

import grpc
import pytest
from flyteidl.service import dataproxy_pb2_grpc, signal_pb2_grpc

from flyte_bridge.admin.methods import METHODS
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.in_process import home_of

TEXTS = [
    "",
    "x",
    "'; DROP TABLE actions; --",
    '"quoted"',
    "a+b",
    "eq(phase,FAILED)+",
    "value_in(phase,;;)",
    "../../etc/passwd",
    "a/b/c",
    "%00",
    "ünïcödé ✓",
    "n" * 5000,
    "-1",
    "99999999999999999999999",
    "flyte://v1/flytesnacks/development/x/n0/o",
    "f(x,y",
    "contains(execution_name,%)",
]
NUMBERS = [0, 1, 7, 2**31 - 1]
READING = [
    "CreateExecution",
    "CreateDownloadLink",
    "GetData",
    "GetDynamicNodeWorkflow",
    "GetExecution",
    "GetExecutionData",
    "GetExecutionMetrics",
    "GetNodeExecution",
    "GetNodeExecutionData",
    "GetTaskExecution",
    "GetTaskExecutionData",
    "ListExecutions",
    "ListNodeExecutions",
    "ListNodeExecutionsForTask",
    "ListSignals",
    "ListTaskExecutions",
    "RecoverExecution",
    "RelaunchExecution",
    "SetSignal",
    "TerminateExecution",
    "UpdateExecution",
]
ANSWERED = {"INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "FAILED_PRECONDITION", "ALREADY_EXISTS"}


def _fill(message: Any, texts: Any, numbers: Any, depth: int = 0) -> None:
    """Every field of a message, with whatever comes next."""
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated or depth > 4:
            continue
        if field.message_type is not None:
            inner = getattr(message, field.name)
            inner.SetInParent()
            if not field.message_type.full_name.startswith("google."):
                _fill(inner, texts, numbers, depth + 1)
        elif field.type == field.TYPE_STRING:
            setattr(message, field.name, next(texts))
        elif field.type == field.TYPE_ENUM:
            setattr(message, field.name, next(numbers) % 20)
        elif field.type == field.TYPE_BOOL:
            setattr(message, field.name, bool(next(numbers) % 2))
        elif field.type == field.TYPE_BYTES:
            setattr(message, field.name, next(texts).encode())
        else:
            setattr(message, field.name, next(numbers))


@pytest.fixture(scope="module")
def stubs(settings: Any, admin: Any) -> list[Any]:
    """All services' stubs."""
    channel = Channel(home_of(settings))
    return [admin, signal_pb2_grpc.SignalServiceStub(channel), dataproxy_pb2_grpc.DataProxyServiceStub(channel)]


def _call(stubs: list[Any], name: str, request: Any) -> str:
    """The status's name; OK if it was answered."""
    method = next(found for stub in stubs if (found := getattr(stub, name, None)) is not None)
    try:
        method(request, timeout=60)
    except grpc.RpcError as refusal:
        return f"{refusal.code().name}: {refusal.details()}"
    return "OK"


@pytest.mark.parametrize("name", READING)
def test_whatever_is_sent_is_answered(stubs: list[Any], name: str) -> None:
    """With a status that tells whose fault it is: never INTERNAL, never UNKNOWN."""
    (method,) = [one for one in METHODS.values() if one.name == name]
    assert _call(stubs, name, method.request()).split(":")[0] in ANSWERED
    for start in range(len(TEXTS)):
        request = method.request()
        texts = itertools.cycle([*TEXTS[start:], *TEXTS[:start]])
        _fill(request, texts, itertools.cycle(NUMBERS))
        told = _call(stubs, name, request)
        assert told.split(":")[0] in ANSWERED | {"OK"}, told


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", ["GetExecution", "ListNodeExecutions", "ListExecutions", "GetNodeExecution"])
def test_a_hostile_name_in_a_good_place(stubs: list[Any], name: str, text: str) -> None:
    """Where project and domain exist, so that it reaches Flyte 2."""
    (method,) = [one for one in METHODS.values() if one.name == name]
    request = method.request()
    if name == "ListExecutions":
        request.id.project, request.id.domain, request.limit, request.filters = "flytesnacks", "development", 5, text
    else:
        place = request.workflow_execution_id if name == "ListNodeExecutions" else request.id
        if name == "GetNodeExecution":
            place.node_id = text
            place = place.execution_id
        place.project, place.domain, place.name = "flytesnacks", "development", text
        if name == "ListNodeExecutions":
            request.limit = 5
    told = _call(stubs, name, request)
    assert told.split(":")[0] in ANSWERED | {"OK"}, told
