"""Calls of Flyte 1's control plane by the name of their RPC, and answers in their recorded form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from flyteidl.service import admin_pb2, dataproxy_pb2, signal_pb2
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from recorded.canonical import MISSING, Names, differences

if TYPE_CHECKING:
    from google.protobuf.message import Message

DATA = Path(__file__).with_name("data")
PROJECT, DOMAIN = "proj1", "development"

_SERVICES = (
    admin_pb2.DESCRIPTOR.services_by_name["AdminService"],
    dataproxy_pb2.DESCRIPTOR.services_by_name["DataProxyService"],
    signal_pb2.DESCRIPTOR.services_by_name["SignalService"],
)
_PATIENCE = 60
"""Seconds for one answer."""


def steps(name: str) -> list[dict[str, Any]]:
    """The recorded steps of a file of `data/`, in their order."""
    with gzip.open(DATA / f"{name}.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


class Plane:
    """A control plane of Flyte 1, called by names."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._methods = {
            method.name: (
                GetMessageClass(method.input_type),
                channel.unary_unary(
                    f"/{service.full_name}/{method.name}",
                    request_serializer=GetMessageClass(method.input_type).SerializeToString,
                    response_deserializer=GetMessageClass(method.output_type).FromString,
                ),
            )
            for service in _SERVICES
            for method in service.methods
        }

    def ask(self, rpc: str, request: dict[str, Any]) -> Message:
        """One call.

        Raises:
            grpc.RpcError: It is refused.
        """
        kind, method = self._methods[rpc]
        answer: Message = method(json_format.ParseDict(request, kind()), timeout=_PATIENCE)
        return answer

    def told(self, rpc: str, request: dict[str, Any], names: Names) -> tuple[dict[str, Any], Message | None]:
        """One call as it is recorded, and its answer if there is one."""
        try:
            answer = self.ask(rpc, request)
        except grpc.RpcError as error:
            return {"status": names.status(error)}, None
        return {"answer": names.message(answer)}, answer


def compare(real: dict[str, Any], ours: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Where an answer of ours differs from the recorded one; a difference of the code makes all others needless."""
    theirs, own = real.get("status"), ours.get("status")
    if theirs is None and own is None:
        return differences(real["answer"], ours["answer"])
    said = [f"{side['code']}: {side['message']}" if side is not None else "OK" for side in (theirs, own)]
    if theirs is None or own is None or theirs["code"] != own["code"]:
        return {"status": (said[0], said[1])}
    if theirs["message"] != own["message"]:
        return {"message": (said[0], said[1])}
    return differences(theirs.get("details", MISSING), own.get("details", MISSING), "details")
