"""Large objects in little memory, and disks that are full."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import flyte_bridge

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
SERVER = textwrap.dedent(
    """
    import asyncio, logging, socket, sys
    from pathlib import Path
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from flyte_bridge.embedded.objects import ObjectStore, S3App

    app = S3App(ObjectStore(Path(sys.argv[1])), None)

    async def only_http(scope, receive, send):
        if scope["type"] == "http":
            await app(scope, receive, send)

    if len(sys.argv) > 2:
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    asyncio.run(serve(only_http, config))
    """
)


@contextmanager
def _server(root: Path, *arguments: str) -> Iterator[tuple[int, str]]:
    """Serve a store from a process of its own; yields pid and URL."""
    environment = {**os.environ, "PYTHONPATH": str(Path(flyte_bridge.__file__).parents[1])}
    command = [sys.executable, "-c", SERVER, str(root), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            yield process.pid, f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def _peak(pid: int) -> int:
    """The most memory the process ever had, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
def test_memory_stays_flat(tmp_path: Path) -> None:
    """An object of 256 MiB goes in, is copied and comes out in less than 48 MiB more than an idle server has."""
    size = 256 * MIB
    with _server(tmp_path) as (pid, url), httpx.Client(timeout=120) as client:
        client.put(f"{url}/flyte/small", content=b"x" * 3 * MIB).raise_for_status()
        before = _peak(pid)
        pieces = (b"x" * MIB for _ in range(256))
        client.put(f"{url}/flyte/big", content=pieces, headers={"content-length": str(size)}).raise_for_status()
        client.put(f"{url}/flyte/copy", headers={"x-amz-copy-source": "/flyte/big"}).raise_for_status()
        with client.stream("GET", f"{url}/flyte/copy") as response:
            assert sum(len(piece) for piece in response.iter_raw()) == size
        assert _peak(pid) - before < 48 * MIB


def test_a_slow_reader_costs_no_memory(tmp_path: Path) -> None:
    """A client that does not read stops the sending, not the server."""
    with _server(tmp_path) as (pid, url), httpx.Client(timeout=60) as client:
        client.put(f"{url}/flyte/big", content=b"x" * (200 * MIB)).raise_for_status()
        before = _peak(pid)
        with client.stream("GET", f"{url}/flyte/big") as response:
            next(response.iter_raw())
            for _ in range(20):
                assert httpx.get(f"{url}/flyte/nothing").status_code == 404
        assert _peak(pid) - before < 48 * MIB


@pytest.mark.parametrize("known", [True, False])
def test_a_full_disk_is_said(tmp_path: Path, known: bool) -> None:
    """When the disk is full in the middle, the client is told 503, to try again, and why, and the old object stays whole.

    The server's file size limit stands for the disk.
    """
    with _server(tmp_path, str(2 * MIB)) as (_, url), httpx.Client(timeout=60) as client:
        client.put(f"{url}/flyte/k", content=b"old").raise_for_status()
        data = b"x" * (6 * MIB)
        refused = client.put(f"{url}/flyte/k", content=data if known else iter([data]))
        assert refused.status_code == 503
        assert "the disk is full" in refused.text
        assert client.get(f"{url}/flyte/k").content == b"old"
        assert list((tmp_path / ".tmp").iterdir()) == []


def test_more_than_the_disk_has_is_refused_at_once(tmp_path: Path) -> None:
    """An upload whose length says that it cannot fit is refused before its bytes are stored."""
    import shutil

    size = shutil.disk_usage(tmp_path).free + (1 << 30)
    with _server(tmp_path) as (_, url), httpx.Client(timeout=60) as client:
        headers = {
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": str(size),
        }
        refused = client.put(f"{url}/flyte/k", content=b"1\r\nx\r\n0\r\n\r\n", headers=headers)
        assert refused.status_code == 503
        assert str(size) in refused.text


def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    """After `kill -9` during an upload: whole objects are there, half ones not, a multipart upload goes on."""
    with _server(tmp_path) as (pid, url), httpx.Client(timeout=60) as client:
        client.put(f"{url}/flyte/k", content=b"whole").raise_for_status()
        started = client.post(f"{url}/flyte/m?uploads").text
        upload = re.search(r"<UploadId>(\w+)</UploadId>", started)
        assert upload is not None
        part = client.put(f"{url}/flyte/m?partNumber=1&uploadId={upload[1]}", content=b"part")

        def endless() -> Iterator[bytes]:
            yield b"x" * (2 * MIB)
            while not list((tmp_path / ".tmp").iterdir()):
                yield b"x" * MIB
            os.kill(pid, signal.SIGKILL)
            yield b"x" * MIB

        with pytest.raises(httpx.TransportError):
            client.put(f"{url}/flyte/half", content=endless())
    with _server(tmp_path) as (_, url), httpx.Client(timeout=60) as client:
        assert client.get(f"{url}/flyte/k").content == b"whole"
        assert client.get(f"{url}/flyte/half").status_code == 404
        assert list((tmp_path / ".tmp").iterdir()) == []
        wanted = f"<Part><PartNumber>1</PartNumber><ETag>{part.headers['etag']}</ETag></Part>"
        document = f"<CompleteMultipartUpload>{wanted}</CompleteMultipartUpload>"
        client.post(f"{url}/flyte/m?uploadId={upload[1]}", content=document).raise_for_status()
        assert client.get(f"{url}/flyte/m").content == b"part"
