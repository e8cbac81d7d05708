"""All of Flyte 1's control plane as one object: which RPCs there are, and who answers each.

The table is built from the services' descriptors. Who answers is a *part*: a class whose coroutines are named as the
RPCs (`GetTask` → `get_task`) and take the request and a `CallContext`. An RPC that no part has is answered
UNIMPLEMENTED, by name. The transports (`remote/`, the embedded backend's port) only ever call `Facade.call`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flyteidl.service import admin_pb2, auth_pb2, dataproxy_pb2, identity_pb2, signal_pb2
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2

from flyte_bridge.admin import status
from flyte_bridge.backend import credentials
from flyte_bridge.backend.storage import Storage
from flyte_bridge.errors import BridgeError, InvalidRequest, Unimplemented
from flyte_bridge.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
    from google.protobuf.message import Message

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.config import Settings

    Handler = Callable[[Any, CallContext], Awaitable[Message]]

SERVICES: tuple[ServiceDescriptor, ...] = (
    admin_pb2.DESCRIPTOR.services_by_name["AdminService"],
    signal_pb2.DESCRIPTOR.services_by_name["SignalService"],
    dataproxy_pb2.DESCRIPTOR.services_by_name["DataProxyService"],
    auth_pb2.DESCRIPTOR.services_by_name["AuthMetadataService"],
    identity_pb2.DESCRIPTOR.services_by_name["IdentityService"],
    health_pb2.DESCRIPTOR.services_by_name["Health"],
)
"""What a Flyte 1 control plane serves."""

PARTS: tuple[str, ...] = (
    "synthesized:Synthesized",  # before those who answer for what was registered
    "attributes:MatchableAttributes",  # one line each
    "auth:Auth",
    "dataproxy:DataProxy",
    "entities:Entities",
    "executions:Executions",
    "health:Health",
    "identity:Identity",
    "launch_plans:LaunchPlans",
    "named:NamedEntities",
    "projects:Projects",
)
"""Who answers, as `module:Class` of this package; each is made with the `Core`. Add a line to plug a part in."""

NEVER: dict[str, str] = {
    "CreateWorkflowEvent": "events come from Flyte 1's engine, and Flyte 2 is the engine now",
    "CreateNodeEvent": "events come from Flyte 1's engine, and Flyte 2 is the engine now",
    "CreateTaskEvent": "events come from Flyte 1's engine, and Flyte 2 is the engine now",
    "GetOrCreateSignal": "signals are made by Flyte 1's engine, and Flyte 2 is the engine now; use ListSignals",
    "List": "health is told by Check only; ask it for the services you need",
    "Watch": "health is told by Check only; ask it again instead of watching",
}
"""RPCs that the bridge will never answer, and why."""

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_log = logging.getLogger("flyte_bridge.admin")


@dataclass(frozen=True)
class Core:
    """What the parts share.

    Attributes:
        backend: The Flyte 2 behind us (`backend.client.BackendClient`).
        settings: What the bridge was told from outside.
        registry: Flyte 1's entities as Flyte 2 keeps them (`registry.Registry`).
        storage: Objects by URI, where no verb of the backend's serves.
    """

    backend: BackendClient
    settings: Settings
    registry: Registry
    storage: Storage


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
    method.path: method for service in SERVICES for method in (_method(service, one) for one in service.methods)
}
"""Every RPC, by its full name."""


class Facade:
    """Flyte 1's control plane on top of a Flyte 2."""

    def __init__(
        self,
        backend: BackendClient,
        settings: Settings,
        parts: tuple[object, ...] | None = None,
        *,
        storage: Storage | None = None,
    ) -> None:
        """Makes the parts and the table of who answers what.

        Args:
            backend: The Flyte 2 behind us.
            settings: What the bridge was told from outside.
            parts: Who answers; by default what `PARTS` names.
            storage: Objects by URI; by default where the environment says.
        """
        self.backend = backend
        self.settings = settings
        self.storage = storage or Storage()
        self.parts = tuple(self._make()) if parts is None else parts
        self.handlers: dict[str, Handler] = {}
        for method in METHODS.values():
            handler = next((found for part in self.parts if (found := getattr(part, method.handler_name, None))), None)
            if handler is not None and method.name not in NEVER:
                self.handlers[method.path] = handler

    def _make(self) -> Iterator[object]:
        core = Core(self.backend, self.settings, Registry(self.backend, self.settings), self.storage)
        for target in PARTS:
            yield part_class(target)(core)

    async def call(self, path: str, request: Message, context: CallContext) -> Message:
        """Answers one call.

        Args:
            path: The RPC's full name.
            request: Its message; the handler may keep it, so give it one of its own.
            context: What else is known of the call.

        Raises:
            BridgeError: It is refused or fails; `status` tells how that is said on the wire.
            TimeoutError: The caller's deadline has passed.
            Exception: A defect, logged here already.
        """
        began = time.perf_counter()
        outcome = "ok"
        if context.bearer is not None:  # this call's context alone: each call is a task of its own
            credentials.bearer.set(context.bearer)
        try:
            handler = self.handlers.get(path)
            if handler is None:
                raise missing(path)
            return await asyncio.wait_for(handler(request, context), context.remaining)
        except BaseException as error:
            outcome = f"{status.code_of(error).name}: {status.message_of(error)}"
            if not isinstance(error, BridgeError | TimeoutError | asyncio.TimeoutError | asyncio.CancelledError):
                _log.exception("%s", path)
            raise
        finally:
            _log.debug("%s %.1f ms %s", path, (time.perf_counter() - began) * 1000, outcome)

    async def answer(self, path: str, data: bytes, context: CallContext) -> bytes:
        """Answers one call whose messages are bytes, as transports have them; otherwise as `call`.

        Raises:
            InvalidRequest: The bytes are no such message.
        """
        method = METHODS.get(path)
        if method is None:
            raise missing(path)
        try:
            request = method.request.FromString(data)
        except DecodeError as error:
            raise InvalidRequest(f"{method.name}: not a {method.request.DESCRIPTOR.full_name}: {error}") from error
        reply: bytes = (await self.call(path, request, context)).SerializeToString()
        return reply


def part_class(target: str) -> Any:
    """The class that an entry of `PARTS` names."""
    module, _, name = target.partition(":")
    return getattr(import_module(f"{__package__}.{module}"), name)


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
