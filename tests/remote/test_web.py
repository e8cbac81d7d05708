"""REST on `flyte-bridge serve`: its own port, plain and TLS, for whoever may."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from flyteidl.admin import common_pb2, task_pb2

from flyte_bridge import config, errors
from flyte_bridge.admin.service import Facade
from flyte_bridge.remote.server import Address
from flyte_bridge.remote.web import WebServer

from .certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flyte_bridge.admin.context import CallContext

TASK = "/api/v1/tasks/p/d/n/v"


class Part:
    """Tells what it was asked, and by whom."""

    async def get_task(self, request: common_pb2.ObjectGetRequest, context: CallContext) -> task_pb2.Task:
        return task_pb2.Task(id=request.id, short_description=f"{context.bearer}")


@contextmanager
def served(address: Address, **settings: object) -> Iterator[WebServer]:
    """A façade behind an HTTP port, from a thread, until the block ends."""
    facade = Facade(None, config.load(endpoint="127.0.0.1:1", insecure=True, **settings), parts=(Part(),))  # type: ignore[arg-type]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server = WebServer(facade, address)
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(60)
        yield server
        asyncio.run_coroutine_threadsafe(server.stop(1), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def get(
    server: WebServer, path: str, headers: dict[str, str] | None = None, *, ca: Path | None = None
) -> tuple[int, bytes]:
    """The status and body of an answer."""
    context = None if ca is None else ssl.create_default_context(cafile=str(ca))
    connection = (
        http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        if context is None
        else http.client.HTTPSConnection("127.0.0.1", server.port, timeout=60, context=context)
    )
    try:
        connection.request("GET", path, headers=headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_the_callers_token_is_the_rpcs() -> None:
    """`Authorization` reaches the façade, which passes it on to Flyte 2."""
    with served(Address()) as server:
        status, body = get(server, TASK, {"Authorization": "Bearer mine"})
        assert (status, json.loads(body)["shortDescription"]) == (200, "mine")
        assert get(server, "/healthcheck") == (200, b"")
        assert get(server, "/elsewhere")[0] == 404


def test_pages_of_other_sites_are_kept_out() -> None:
    """A name that somebody else has made to mean this machine is 421, a page of another site 403; configured names are let in."""
    with served(Address(), hosts=("flyte1.example.com",)) as server:
        assert get(server, TASK, {"Host": "evil.example"})[0] == 421
        assert get(server, TASK, {"Origin": "https://evil.example"})[0] == 403
        assert get(server, TASK, {"Host": "flyte1.example.com"})[0] == 200


def test_a_server_for_every_address_is_known_by_addresses() -> None:
    """Where the machine's own addresses are not known, as to a kubelet's probe, any address will do; a name still will not."""
    with served(Address("0.0.0.0")) as server:
        assert get(server, "/healthcheck", {"Host": f"10.1.2.3:{server.port}"})[0] == 200
        assert get(server, TASK, {"Host": f"evil.example:{server.port}"})[0] == 421


def test_tls(tmp_path: Path) -> None:
    """With a certificate, HTTPS is spoken; with half of one, nothing is."""
    certificate, key = self_signed(tmp_path)
    with served(Address(certificate=certificate, key=key)) as server:
        assert server.url.startswith("https://")
        assert get(server, "/healthcheck", ca=certificate)[0] == 200
    with pytest.raises(errors.UsageError), served(Address(certificate=certificate)):
        pass


def test_a_port_that_is_taken() -> None:
    """The second to listen is told so."""
    with served(Address()) as server, pytest.raises(errors.PortInUse), served(Address(port=server.port)):
        pass
