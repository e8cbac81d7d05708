"""Throughput of the embedded object store beside a plain file copy in the same run, and memory for a large object.

`python benchmarks/objects.py [--mib 1024] [--repeats 3] [--dir DIRECTORY]` prints MiB/s and ratios to the copy.
The copy reads and writes as the store does (no reflink, through the page cache); clients and server share this machine.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import httpx
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MIB = 1 << 20
PIECE = MIB

SERVER = textwrap.dedent(
    """
    import asyncio, socket, sys
    from pathlib import Path
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from flyte_bridge.embedded.objects import ObjectStore, S3App

    app = S3App(ObjectStore(Path(sys.argv[1])), None)

    async def only_http(scope, receive, send):
        if scope["type"] == "http":
            await app(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = None
    asyncio.run(serve(only_http, config))
    """
)


@contextmanager
def server(root: Path) -> Iterator[tuple[int, str]]:
    """Serve a store from a process of its own."""
    with subprocess.Popen([sys.executable, "-c", SERVER, str(root)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def memory(pid: int, what: str) -> float:
    """The process's memory in MiB: `VmRSS` now, `VmHWM` at its peak."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) / 1024


def rate(mib: int, repeats: int, work: Callable[[], object]) -> float:
    """MiB/s, the median of several times."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return mib / statistics.median(times)


def copy(source: Path, target: Path) -> None:
    """Copy a file by reading and writing it."""
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        while piece := reader.read(PIECE):
            writer.write(piece)


def drop(url: str) -> None:
    """Read an object and forget it."""
    with httpx.stream("GET", url, timeout=600) as response:
        for _ in response.iter_raw(PIECE):
            pass


def pieces(path: Path) -> Iterator[bytes]:
    """Read a file in pieces."""
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            yield piece


def measure(mib: int, repeats: int, directory: Path) -> None:
    """Measure and print."""
    source = directory / "source"
    with source.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    with server(directory / "objects") as (pid, url):
        idle = memory(pid, "VmRSS")
        s3 = boto3.session.Session("any", "any", region_name="us-east-1").client(
            "s3", endpoint_url=url, config=Config(s3={"addressing_style": "path"})
        )
        transfer = TransferConfig(multipart_threshold=64 * MIB, multipart_chunksize=64 * MIB, max_concurrency=2)
        length = {"content-length": str(mib * MIB)}
        rows = [
            ("plain copy", lambda: copy(source, directory / "copy")),
            (
                "PUT, one request",
                lambda: httpx.put(f"{url}/flyte/k", content=pieces(source), headers=length, timeout=600),
            ),
            ("GET", lambda: drop(f"{url}/flyte/k")),
            ("COPY", lambda: httpx.put(f"{url}/flyte/c", headers={"x-amz-copy-source": "/flyte/k"}, timeout=600)),
            ("boto3 upload, multipart", lambda: s3.upload_file(str(source), "flyte", "m", Config=transfer)),
            ("boto3 download", lambda: s3.download_file("flyte", "m", str(directory / "back"), Config=transfer)),
        ]
        rates = [(name, rate(mib, repeats, work)) for name, work in rows]
        print(f"| {mib} MiB | MiB/s | of the copy |\n|---|---|---|")
        for name, each in rates:
            print(f"| {name} | {each:.0f} | {each / rates[0][1]:.2f} |")
        count = 500
        with httpx.Client() as client:
            begin = time.perf_counter()
            for number in range(count):
                client.put(f"{url}/flyte/small/{number}", content=b"x" * 1000)
            put = (time.perf_counter() - begin) / count * 1000
            begin = time.perf_counter()
            for number in range(count):
                client.get(f"{url}/flyte/small/{number}")
            get = (time.perf_counter() - begin) / count * 1000
        print(f"\nsmall objects, one after the other: PUT {put:.2f} ms, GET {get:.2f} ms")
        print(f"server memory: idle {idle:.0f} MiB, peak {memory(pid, 'VmHWM'):.0f} MiB after {mib} MiB objects")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=1024, help="size of the object, MiB")
    parser.add_argument("--repeats", type=int, default=3, help="how often; the median counts")
    parser.add_argument("--dir", type=Path, help="where to work; a temporary directory otherwise")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as name:
        measure(arguments.mib, arguments.repeats, Path(name))
