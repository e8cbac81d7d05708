"""All of Flyte 1's control plane as one object: who answers each RPC.

Who answers is a *part*: a class whose coroutines are named as the RPCs (`GetTask` → `get_task`) and take the request and a
`CallContext`. An RPC that no part has is answered UNIMPLEMENTED, by name. The transports (`remote/`, the embedded backend's
port) only ever call `Facade.call`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from google.protobuf.message import DecodeError

from flyte_bridge.admin import status
from flyte_bridge.admin.attributes import MatchableAttributes
from flyte_bridge.admin.auth import Auth
from flyte_bridge.admin.core import Core
from flyte_bridge.admin.dataproxy import DataProxy
from flyte_bridge.admin.entities import Entities
from flyte_bridge.admin.executions import Executions
from flyte_bridge.admin.health import Health
from flyte_bridge.admin.identity import Identity
from flyte_bridge.admin.launch_plans import LaunchPlans
from flyte_bridge.admin.methods import METHODS, NEVER, missing
from flyte_bridge.admin.named import NamedEntities
from flyte_bridge.admin.past_executions import ExecutionsAndPast
from flyte_bridge.admin.projects import ProjectsPart
from flyte_bridge.admin.synthesized import Synthesized
from flyte_bridge.backend import credentials
from flyte_bridge.backend.storage import Storage
from flyte_bridge.errors import BridgeError, InvalidRequest, is_out_of_range
from flyte_bridge.launch.launcher import Launcher
from flyte_bridge.launch.platform_settings import PlatformReader
from flyte_bridge.registry.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from google.protobuf.message import Message

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.proof import Proof
    from flyte_bridge.admin.reading import ExecutionReader
    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.config import Settings

    Handler = Callable[[Any, CallContext], Awaitable[Message]]

    class Answerer(Protocol):
        """Who answers some RPCs."""

        def __init__(self, core: Core) -> None: ...


PARTS: tuple[type[Answerer], ...] = (
    Synthesized,  # before those who answer for what was registered
    MatchableAttributes,
    Auth,
    DataProxy,
    Entities,
    ExecutionsAndPast,
    Health,
    Identity,
    LaunchPlans,
    NamedEntities,
    ProjectsPart,
)
"""Who answers; each is made with the `Core`."""

_log = logging.getLogger("flyte_bridge.admin")


class Facade:
    """Flyte 1's control plane on top of a Flyte 2.

    Attributes:
        parts_of: Who answers by default; each is made with the `Core`.
    """

    parts_of: ClassVar[tuple[type[Answerer], ...]] = PARTS

    def __init__(
        self,
        backend: BackendClient,
        settings: Settings,
        parts: tuple[object, ...] | None = None,
        *,
        storage: Storage | None = None,
        proof: Proof | None = None,
    ) -> None:
        """Makes the parts and the table of who answers what.

        Args:
            backend: The Flyte 2 behind us.
            settings: What the bridge was told from outside.
            parts: Who answers; by default those of `parts_of`.
            storage: Objects by URI; by default where the environment says.
            proof: Whose calls are answered; by default all, for callers that are this process.
        """
        self.backend = backend
        self.settings = settings
        self.storage = storage or Storage()
        self._proof = proof
        self.parts = tuple(self._make()) if parts is None else parts
        self.handlers: dict[str, Handler] = {}
        for method in METHODS.values():
            handler = next(filter(None, (getattr(part, method.handler_name, None) for part in self.parts)), None)
            if handler is not None and method.name not in NEVER:
                self.handlers[method.path] = handler

    @property
    def reader(self) -> ExecutionReader:
        """Reads executions, for who shows them in this process.

        Raises:
            StopIteration: The façade was made of parts of which none does.
        """
        return next(part.reader for part in self.parts if isinstance(part, Executions))

    def _make(self) -> Iterator[object]:
        registry = Registry(self.backend, self.settings)
        launcher = Launcher(
            self.backend,
            PlatformReader(self.backend, registry.attributes, self.settings.gateway_environment),
            one_space_of_names=self.settings.one_space_of_names,
        )
        core = Core(self.backend, self.settings, registry, launcher, self.storage)
        for part in self.parts_of:
            yield part(core)

    async def admit(self, path: str, context: CallContext) -> None:
        """Lets a caller pass. Transports ask before they read its message: that costs more than to send it.

        Args:
            path: The RPC's full name.
            context: The call.

        Raises:
            BridgeError: As `Proof.demand`.
        """
        if self._proof is not None:
            await self._proof.demand(path, context)

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
        if context.bearer is not None and not self.settings.embedded:
            credentials.bearer.set(context.bearer)  # in this call's context alone: each call is a task of its own
        try:
            await self.admit(path, context)
            handler = self.handlers.get(path)
            if handler is None:
                raise missing(path)
            return await asyncio.wait_for(handler(request, context), context.remaining)
        except BaseException as error:
            outcome = f"{status.code_of(error).name}: {status.message_of(error)}"
            told = isinstance(error, BridgeError | TimeoutError | asyncio.TimeoutError | asyncio.CancelledError)
            if not told and not is_out_of_range(error):
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
        await self.admit(path, context)
        try:
            request = method.request.FromString(data)
        except DecodeError as error:
            raise InvalidRequest(f"{method.name}: not a {method.request.DESCRIPTOR.full_name}: {error}") from error
        reply: bytes = (await self.call(path, request, context)).SerializeToString()
        return reply
