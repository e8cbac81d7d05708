"""No client takes the backend's descriptors: closed connections are let go, too many wait, the log is bounded (issue 12, D)."""

from __future__ import annotations

import asyncio
import http.client
import logging
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypercorn.config import Config

import admitted
from flyte_bridge.embedded.http_server import HttpServer
from flyte_bridge.embedded_client import access, instance
from flyte_bridge.remote import embedded_process as daemon
from modes import FULL

from .conftest import CODE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.embedded.app import Receive, Scope, Send

FEW = 256
"""Descriptors that the backend of these tests may have; 256 is what macOS gives a process."""


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def _descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - counted, not looked at


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[instance.Instance]:
    """A backend that may have few descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    data_dir = tmp_path / "data"
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), os.environ.get("PYTHONPATH", "")]))  # tasks import it
    try:
        running = instance.start(data_dir)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    yield running
    instance.stop(data_dir)


def _ask(running: instance.Instance) -> int:
    connection = http.client.HTTPConnection(instance.HOST, running.port, timeout=60)
    told = {"content-type": "application/json", **admitted.headers(access.read(Path(running.data_dir)))}
    connection.request("POST", "/flyteidl2.project.ProjectService/ListProjects", body=b"{}", headers=told)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
def test_what_a_client_closes_is_closed(few: instance.Instance) -> None:
    """More connections than there are descriptors, one after the other, each kept alive and then closed by its client."""
    before = _descriptors(few.pid)
    for _ in range(2 * FEW):
        assert _ask(few) == 200
    assert _descriptors(few.pid) < before + 10


def test_no_answer_waits_for_an_acknowledgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is accepted sends small packets at once, whatever its listener says of its protocol."""
    accepted: list[socket.socket] = []

    async def main() -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)  # as `instance.listen` makes it: protocol 0
        listener.bind((instance.HOST, 0))
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        connect = loop.connect_accepted_socket

        async def seen(protocol: Any, connection: socket.socket, **told: Any) -> Any:
            accepted.append(connection)
            return await connect(protocol, connection, **told)

        monkeypatch.setattr(loop, "connect_accepted_socket", seen)
        serving = asyncio.ensure_future(HttpServer(_hello, Config(), listener).serve(stop))
        await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert accepted[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        stop.set()
        await serving

    asyncio.run(main())


def test_more_connections_than_descriptors_wait(few: instance.Instance) -> None:
    """With more idle clients than it can have, nothing is said a thousand times; when they go, the next is answered."""
    idle = [socket.create_connection((instance.HOST, few.port)) for _ in range(2 * FEW)]
    log_path = instance.log_of(Path(few.data_dir))
    while "connections are open, as many as may be: new ones wait" not in log_path.read_text():
        time.sleep(0.01)
    for connection in idle:
        connection.close()
    assert _ask(few) == 200
    log = log_path.read_text()
    assert log.count("new ones wait") < 5
    assert len(log) < 1 << 16
    assert "Traceback" not in log


def test_an_accept_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """While the process has no descriptor left, a client waits; one line says so, and then it is answered."""

    async def main() -> bytes:
        listener = socket.create_server((instance.HOST, 0))
        stop = asyncio.Event()
        serving = asyncio.ensure_future(HttpServer(_hello, Config(), listener).serve(stop))
        client = socket.socket()
        client.setblocking(False)
        taken: list[int] = []
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(client, listener.getsockname())
            await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            while "new ones wait" not in caplog.text:
                await asyncio.sleep(0.01)
        finally:
            for descriptor in taken:
                os.close(descriptor)
        answer = await asyncio.wait_for(loop.sock_recv(client, 1000), 30)
        client.close()
        stop.set()
        await serving
        return answer

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, FEW), hard))
    try:
        with caplog.at_level(logging.WARNING):
            assert asyncio.run(main()).startswith(b"HTTP/1.1 200")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len([record for record in caplog.records if "new ones wait" in record.getMessage()]) == 1


def test_the_log_has_a_bound(tmp_path: Path) -> None:
    """`server.log` is moved aside before it is too long, one such file is kept, and standard error goes with it."""
    program = (
        "import sys\n"
        "from flyte_bridge.remote import embedded_process as daemon\n"
        f"handler = daemon._ServerLog({str(tmp_path / 'server.log')!r}, maxBytes=1000, backupCount=1)\n"
        "for n in range(100):\n"
        "    handler.emit(__import__('logging').makeLogRecord({'msg': f'line {n} ' + 50 * '.'}))\n"
        "print('of a library', file=sys.stderr, flush=True)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["server.log", "server.log.1"]
    assert all(file.stat().st_size <= 1100 for file in tmp_path.iterdir())
    assert "of a library" in (tmp_path / "server.log").read_text()
    assert daemon._LOG_LIMIT <= 64 << 20


def test_a_map_with_few_descriptors(few: instance.Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each child opens connections of its own, more together than the backend may have descriptors; all end well."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from driver.bed import Bed

    monkeypatch.syspath_prepend(str(CODE))
    import many

    elements = 300 if FULL else 60
    assert Bed(few.endpoint, tmp_path / "data").run(many.doubled, n=elements).value == elements * (elements - 1)
    assert "no descriptor" not in instance.log_of(Path(few.data_dir)).read_text()
