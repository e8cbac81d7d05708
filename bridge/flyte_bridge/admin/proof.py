"""Who may call a gateway: each RPC proves its caller to the Flyte 2 behind before anything is done for it.

Many RPCs never reach Flyte 2 (a signed URL is the gateway's own doing, a version its own knowledge), and what the gateway
does by itself it does with rights of its own. So every call is preceded by one that Flyte 2 must let through. What flyteadmin
answers before a login is answered before one here, too: where to log in, and whether it is up.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import TYPE_CHECKING, Protocol

from flyte_bridge.backend import credentials
from flyte_bridge.errors import PermissionDenied, Unauthenticated, Unimplemented

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.backend.client import BackendClient

HEALTH = "/grpc.health.v1.Health/"
OPEN = (HEALTH, "/flyteidl.service.AuthMetadataService/")
"""How the names of RPCs begin that prove nobody: load balancers ask them, and clients before they can log in."""

FRESH = 30.0
"""Seconds for which a caller that Flyte 2 has let through is let through again; a refused one is asked about each time."""

_MOST = 10_000
"""Callers that are remembered."""


class Proof(Protocol):
    """Whatever knows who may call."""

    async def demand(self, path: str, context: CallContext) -> None:
        """Lets a call pass.

        Args:
            path: The RPC's full name.
            context: The call.

        Raises:
            Unauthenticated: Its caller has proven nothing.
            StatusError: What Flyte 2 says of its caller, or that Flyte 2 cannot be asked.
        """
        ...


class ByFlyte2:
    """Asks the Flyte 2 behind, with the caller's credentials."""

    def __init__(self, backend: BackendClient, now: Callable[[], float] = time.monotonic) -> None:
        """Args:
        backend: The Flyte 2.
        now: The time in seconds.
        """
        self._backend, self._now = backend, now
        self._until: dict[bytes, float] = {}
        self._asking: dict[bytes, asyncio.Task[None]] = {}

    async def demand(self, path: str, context: CallContext) -> None:
        """See `Proof`."""
        if path.startswith(OPEN):
            return
        bearer = context.bearer
        who = hashlib.sha256((bearer or "").encode()).digest()  # no token is kept
        if self._until.get(who, 0.0) > self._now():
            return
        asking = self._asking.get(who)
        if asking is None:
            asking = self._asking[who] = asyncio.ensure_future(self._ask(who, bearer))
            asking.add_done_callback(lambda _: self._asking.pop(who, None))
        await asyncio.wait_for(asyncio.shield(asking), context.remaining)

    async def _ask(self, who: bytes, bearer: str | None) -> None:
        credentials.bearer.set(bearer)  # of this task alone
        try:
            await self._backend.list_projects(limit=1)
        except (PermissionDenied, Unimplemented):
            # who is known may still be kept from listing; a proxy's 403 for nobody is told from that by whoami
            if not (await self._backend.user_info()).subject:
                raise
        now = self._now()
        if len(self._until) >= _MOST:
            self._until = {known: until for known, until in self._until.items() if until > now}
        if len(self._until) < _MOST:
            self._until[who] = now + FRESH


class ByToken:
    """Wants an installation's token: the embedded backend knows no users but its own."""

    def __init__(self, opens: Callable[[str], bool]) -> None:
        """Args:
        opens: Whether a text is the token.
        """
        self._opens = opens

    async def demand(self, path: str, context: CallContext) -> None:
        """See `Proof`."""
        if not path.startswith(HEALTH) and not any(self._opens(token) for token in context.bearers):
            raise Unauthenticated(
                f"{path.rpartition('/')[2]}: the embedded backend wants its token; `flyte-bridge serve` and "
                "`flyte-bridge status` print the configuration that has it (FLYTE_CREDENTIALS_PROXY_COMMAND for flytekit)"
            )
