"""Which RPCs a Flyte 1 control plane has: the table built from its services' descriptors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl.service import admin_pb2, auth_pb2, dataproxy_pb2, identity_pb2, signal_pb2
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from flyte_bridge.errors import Unimplemented

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
    from google.protobuf.message import Message

SERVICES: tuple[ServiceDescriptor, ...] = (
    admin_pb2.DESCRIPTOR.services_by_name["AdminService"],
    signal_pb2.DESCRIPTOR.services_by_name["SignalService"],
    dataproxy_pb2.DESCRIPTOR.services_by_name["DataProxyService"],
    auth_pb2.DESCRIPTOR.services_by_name["AuthMetadataService"],
    identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
    health_pb2.DESCRIPTOR.services_by_name["Health"],
)
"""What a Flyte 1 control plane serves."""

NEVER: dict[str, str] = {
    "CreateWorkflowEvent": "events come from Flyte 1's engine, and Flyte 2 is the engine now",
    "CreateNodeEvent": "events come from Flyte 1's engine, and Flyte 2 is the engine now",
    "CreateTaskEvent": "events come from Flyte 1's engine, and Flyte 2 is the engine now",
    "List": "health is told by Check only; ask it for the services you need",
    "Watch": "health is told by Check only; ask it again instead of watching",
}
"""RPCs that the bridge will never answer, and why."""

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True)
class Method:
    """An RPC of the table.

    Attributes:
        path: Its full name, such as `/flyteidl.service.AdminService/GetTask`.
        name: Its own name.
        request, reply: The classes of its messages.
        streams: Whether it sends more than one reply.
    """

    path: str
    name: str
    request: type[Message]
    reply: type[Message]
    streams: bool

    @property
    def handler_name(self) -> str:
        """The name of the coroutine that answers it: `GetTask` → `get_task`."""
        return _WORD.sub("_", self.name).lower()


def _method(service: ServiceDescriptor, method: MethodDescriptor) -> Method:
    return Method(
        path=f"/{service.full_name}/{method.name}",
        name=method.name,
        request=GetMessageClass(method.input_type),
        reply=GetMessageClass(method.output_type),
        streams=method.server_streaming,
    )


METHODS: dict[str, Method] = {
    method.path: method for service in SERVICES for method in (_method(service, rpc) for rpc in service.methods)
}
"""Every RPC, by its full name."""


def missing(path: str) -> Unimplemented:
    """The refusal of an RPC that nobody answers."""
    name = path.rpartition("/")[2]
    if path not in METHODS:
        return Unimplemented(f"{path}: flyte-bridge knows no such RPC; it serves flyteidl 1.16's services and health")
    if name in NEVER:
        return Unimplemented(f"{name}: {NEVER[name]}")
    return Unimplemented(
        f"{name}: flyte-bridge does not answer this RPC yet; `flyte-bridge coverage` shows what it does"
    )
