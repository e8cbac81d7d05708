"""Flyte 1's control plane on the embedded backend's own port: `FLYTE_PLATFORM_URL` of tasks and scripts leads here.

The façade is made with the first request for it, because what it imports would double the time a start takes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from flyte_bridge.admin import rest
from flyte_bridge.embedded.faults import to_status
from flyte_bridge.embedded.local import LocalStorage
from flyte_bridge.embedded.rpc import ServiceApplication, not_found

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from flyte_bridge.admin.rest.app import RestApplication
    from flyte_bridge.admin.service import Facade
    from flyte_bridge.embedded.server import Backend

PREFIXES = ("/flyteidl.service.", "/grpc.health.v1.")
"""How the paths of Flyte 1's services begin, and of the health check that its clients ask for."""


class FacadeApplication:
    """The façade as an ASGI application."""

    def __init__(self, backend: Backend) -> None:
        """Imports nothing yet.

        Args:
            backend: Whose port this is.
        """
        self._backend = backend
        self._facade: Facade | None = None
        self._services: dict[str, ServiceApplication] = {}
        self._rest: RestApplication | None = None

    def claims(self, scope: Any) -> bool:
        """Whether a request is for the façade."""
        path = scope["path"]
        return bool(scope["type"] == "http" and (path.startswith(PREFIXES) or rest.claims(path)))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handles one request."""
        await self.facade()
        if self._rest is not None and rest.claims(scope["path"]):
            await self._rest(scope, receive, send)
            return
        await self._services.get(scope["path"].split("/", 2)[1], not_found)(scope, receive, send)

    async def facade(self) -> Facade:
        """The façade over this backend, made once."""
        if self._facade is None:
            await asyncio.to_thread(_import)  # half a second, in which tasks wait for nothing
            if self._facade is None:
                self._facade = self._make()
        return self._facade

    def _make(self) -> Facade:
        from flyte_bridge.admin.methods import SERVICES
        from flyte_bridge.admin.rest.app import RestApplication
        from flyte_bridge.admin.service import Facade
        from flyte_bridge.backend.buckets import NamedBuckets
        from flyte_bridge.backend.client import BackendClient
        from flyte_bridge.config import Settings

        # who runs the backend may have an endpoint configured; this is the façade over this one
        settings = Settings(
            endpoint=None, insecure=False, ca_cert=None, token=None, token_command=(), client_id=None,
            client_secret=None, data_dir=self._backend.options.data_dir,
        )  # fmt: skip
        objects = LocalStorage(self._backend.objects, self._backend.executor.env)
        storage = NamedBuckets(objects, ("s3://",))  # all of S3 is the embedded store's
        facade = Facade(BackendClient(self._backend.caller), settings, storage=storage)
        for descriptor in SERVICES:
            service = _Service(facade, descriptor.full_name)
            self._services[descriptor.full_name] = ServiceApplication(descriptor, service)
        self._rest = RestApplication(facade)
        return facade


def _import() -> None:
    """Everything that making a façade imports."""
    from flyte_bridge import config  # noqa: F401
    from flyte_bridge.admin import service  # noqa: F401
    from flyte_bridge.admin.rest import app  # noqa: F401


class _Service:
    """One service, with a coroutine for every RPC that the façade knows: refusals, too, are its own words."""

    def __init__(self, facade: Facade, name: str) -> None:
        from flyte_bridge.admin.methods import METHODS

        for path, method in METHODS.items():
            if path.startswith(f"/{name}/") and not method.streams:
                setattr(self, method.handler_name, _bound(facade, path))


def _bound(facade: Facade, path: str) -> Any:
    from flyte_bridge.admin import status
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.errors import BridgeError

    async def call(request: Any, ctx: Any) -> Message:
        left = ctx.timeout_ms()
        context = CallContext.of(
            path,
            list(ctx.request_headers().allitems()),
            timeout=None if left is None else left / 1000,
            peer=ctx.client_address() or "",
        )
        try:
            return await facade.call(path, request, context)
        except BridgeError as error:
            code = Code[status.code_of(error).name.replace("CANCELLED", "CANCELED")]
            raise ConnectError(code, status.fitting(status.message_of(error)), getattr(error, "details", ())) from error
        except Exception as error:
            if isinstance(error, TimeoutError | asyncio.TimeoutError):  # two classes until Python 3.11
                raise ConnectError(Code.DEADLINE_EXCEEDED, status.message_of(error)) from error
            raise to_status(error) from error

    return call
