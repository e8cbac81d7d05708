"""The façade over HTTP: Flyte 1's REST and the console, on a port beside gRPC's, as flyteadmin has them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import TYPE_CHECKING

from hypercorn.config import Config

from flyte_bridge.admin import rest
from flyte_bridge.admin.rest.app import RestApplication
from flyte_bridge.console.login import OpenDoor, TokenLogin
from flyte_bridge.console.logs import StreamedLogs
from flyte_bridge.console.site import Console
from flyte_bridge.embedded.admission import Admission
from flyte_bridge.embedded.app import Dispatcher, proves_itself
from flyte_bridge.embedded.console_login import Login
from flyte_bridge.embedded.http_server import HttpServer
from flyte_bridge.errors import PortInUse
from flyte_bridge.side_by_side.console_comparison import compare_runs

if TYPE_CHECKING:
    from flyte_bridge.admin.service import Facade
    from flyte_bridge.console.login import Doorkeeper
    from flyte_bridge.embedded_client.access import Access
    from flyte_bridge.remote.server import Address


class WebServer:
    """A façade behind an HTTP port. `async with WebServer(facade, address) as server:` serves until the block ends."""

    def __init__(self, facade: Facade, address: Address, access: Access | None = None) -> None:
        """Listens to nothing yet.

        Args:
            facade: Who answers; it proves each caller to Flyte 2 by the caller's own token.
            address: Where to listen.
            access: What opens the embedded backend, if that is behind: browsers log in as they do there.
        """
        self.address = address
        self.port = address.port
        # the caller's token is Flyte 2's to look at; a page of another site is kept out here
        self._admission = Admission(None, facade.settings.hosts)
        self._app = Dispatcher(self._admission)
        self._app.fall_back(lambda scope: rest.claims(scope["path"]), RestApplication(facade))
        console = Console(facade, StreamedLogs(facade.backend), _door(facade, access), comparer=compare_runs)
        self._app.mount("v2", console, proves_itself)
        self._app.mount("console", console, proves_itself)
        self._app.fall_back(lambda scope: scope["path"] == "/", console, proves_itself)
        self._stop = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """`http://host:port`, once started."""
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        return f"{'https' if self.address.tls else 'http'}://{host}:{self.port}"

    async def start(self) -> None:
        """Listens and answers.

        Raises:
            PortInUse: Something else listens there, or the host is not this machine's.
            UsageError: The certificate or its key cannot be used.
        """
        self.address.check()
        try:
            family = socket.AF_INET6 if ":" in self.address.host else socket.AF_INET
            listener = socket.create_server((self.address.host, self.address.port), family=family)
        except OSError as error:
            raise PortInUse(
                f"{self.url} cannot be listened on: {error.strerror}; choose another port, or stop what listens there"
            ) from error
        self.port = listener.getsockname()[1]
        self._admission.listens(self.address.host, self.port)
        self._serving = asyncio.create_task(HttpServer(self._app, _config(self.address), listener).serve(self._stop))

    async def stop(self, grace: float = 10.0) -> None:
        """Takes no new calls, and gives those under way `grace` seconds to end."""
        await self._app.close(grace)
        self._stop.set()
        if self._serving is not None:
            with contextlib.suppress(Exception):  # what went wrong on single connections while they were ended
                await self._serving

    async def __aenter__(self) -> WebServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _door(facade: Facade, access: Access | None) -> Doorkeeper:
    """Whose browsers are let in."""
    if not facade.settings.embedded:
        return TokenLogin(facade.admit, facade.settings.endpoint or "")
    if access is None:
        return OpenDoor()
    return Login(access, Admission(access).has_token)


def _config(address: Address) -> Config:
    config = Config()
    if address.tls:
        config.certfile, config.keyfile = str(address.certificate), str(address.key)
    config.accesslog = None
    config.errorlog = logging.getLogger("flyte_bridge.remote.web")
    config.graceful_timeout = 1
    config.include_server_header = False
    return config
