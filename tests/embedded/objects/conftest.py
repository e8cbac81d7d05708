"""An object store behind a real port, and the clients that people use."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config

from flyte_bridge.embedded.objects import ObjectStore, S3App, SignedApp, Signer, Verifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = ("FB0123456789ABCDEF01", "a secret of this suite")
ACCESS = {"aws_access_key_id": KEYS[0], "aws_secret_access_key": KEYS[1]}


@dataclass
class HandClock:
    """A clock whose hands the test turns."""

    at: int = field(default_factory=lambda: int(time.time() * 1_000_000))  # clients sign with the time that it is

    def now(self) -> int:
        return self.at


@dataclass
class Served:
    """A store and where it is served."""

    store: ObjectStore
    signer: Signer
    clock: HandClock
    host: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def boto(self, **config: Any) -> Any:
        import boto3
        from botocore.config import Config as BotoConfig

        return boto3.session.Session(region_name="us-east-1", **ACCESS).client(
            "s3",
            endpoint_url=self.url,
            config=BotoConfig(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, **config),
        )


def serve_in_thread(app: Any) -> Iterator[tuple[str, int]]:
    """Serve an ASGI application with hypercorn on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()[:2]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = logging.getLogger("hypercorn")
    config.graceful_timeout = 0.1
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve(app, config, shutdown_trigger=stop.wait))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield host, port
    loop.call_soon_threadsafe(stop.set)
    thread.join()


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No client finds this machine's own credentials or configuration."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_ENDPOINT_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """A store in a directory of its own."""
    return ObjectStore(tmp_path / "objects")


@pytest.fixture
def served(store: ObjectStore) -> Iterator[Served]:
    """The store, served as S3 to who has its keys, and by signed URL."""
    yield from serve_store(store, Verifier(*KEYS))


def serve_store(store: ObjectStore, verifier: Verifier | None) -> Iterator[Served]:
    """Serve a store; without a verifier, to everybody."""
    clock = HandClock()
    signer = Signer(store)
    s3, signed = S3App(store, verifier, clock), SignedApp(store, signer, clock)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await (signed if scope["path"].startswith("/_data/") else s3)(scope, receive, send)

    for host, port in serve_in_thread(app):
        yield Served(store, signer, clock, host, port)
