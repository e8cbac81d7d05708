"""Which Flyte 2 the contract suite runs against: the embedded one, the same as it behaves like the Go one, and a real one when
the environment names it.

```
FLYTE_BRIDGE_TEST_ENDPOINT=flyte.example.com:443 pytest tests/backend
```

`FLYTE_BRIDGE_TEST_INSECURE=1` leaves TLS out, `FLYTE_BRIDGE_TEST_TOKEN` is sent as bearer token. The suite makes a
project of its own and needs no image: its tasks are `core-sleep`. What the Go backend lacks is marked `notyet`, with what it
does instead; the rest holds on all three. Of the Go way a sample runs, all of it with `FLYTE_BRIDGE_TEST_FULL=1`.
"""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from typing import TYPE_CHECKING, Any

import pytest

import admitted
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.credentials import Fixed
from flyte_bridge.backend.grpc import GrpcCaller
from flyte_bridge.embedded.server import Backend as Embedded
from flyte_bridge.embedded.server import BackendOptions
from flyte_bridge.embedded_client import instance
from modes import GO

from .bench import PATIENCE, Place
from .contract import Flyte2

if TYPE_CHECKING:
    from collections.abc import Iterator

REAL = os.environ.get("FLYTE_BRIDGE_TEST_ENDPOINT")


@pytest.fixture(scope="session")
def like_go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[instance.Instance]:
    """An embedded backend that behaves as the Go one."""
    data_dir = tmp_path_factory.mktemp("like-go") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLYTE_BRIDGE_EMBEDDED_LIKE", GO)
        running = instance.start(data_dir)
    yield running
    instance.stop(data_dir)


@pytest.fixture(scope="session", params=["embedded", GO, *(["real"] if REAL else [])])
def flyte2(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flyte2]:
    """A Flyte 2 with a fresh project."""
    project = f"contract-{uuid.uuid4().hex[:8]}"
    if request.param == "real":
        assert REAL is not None
        scheme = "http" if os.environ.get("FLYTE_BRIDGE_TEST_INSECURE") else "https"
        token = os.environ.get("FLYTE_BRIDGE_TEST_TOKEN")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        backend = Flyte2(f"{scheme}://{REAL}", project, headers, embedded=False, like_go=True)
        backend.create_project()
        yield backend
        return
    if request.param == GO:
        running: instance.Instance = request.getfixturevalue("like_go")
        backend = Flyte2(running.url, project, admitted.headers(running.access), embedded=True, like_go=True)
        backend.create_project()
        yield backend
        return
    data_dir = tmp_path_factory.mktemp("contract") / "data"
    running = instance.start(data_dir)
    backend = Flyte2(running.url, project, admitted.headers(running.access), embedded=True)
    backend.create_project()
    yield backend
    instance.stop(data_dir)


@pytest.fixture(autouse=True)
def _markers(request: pytest.FixtureRequest) -> None:
    """`notyet` means that the Go backend lacks it: there, and where ours behaves as it does, the test is expected to fail.

    With `there_alone` ours does not go that far.
    """
    marker: Any = request.node.get_closest_marker("notyet")
    if marker is None:
        return
    for place in {"real", GO} & {value for value in request.node.callspec.params.values() if isinstance(value, str)}:
        if place != GO or not marker.kwargs.get("there_alone"):
            request.applymarker(pytest.mark.xfail(reason=marker.args[0], strict=place == GO))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Embedded, asyncio.AbstractEventLoop]]:
    """An embedded backend in a thread."""
    held: list[Any] = []
    started = threading.Event()

    async def serve() -> None:
        try:
            async with Embedded(BackendOptions(tmp_path_factory.mktemp("verbs") / "data", warm=())) as backend:
                held.extend([backend, asyncio.get_running_loop(), asyncio.Event()])
                started.set()
                await held[2].wait()
        finally:
            started.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(PATIENCE)
    yield held[0], held[1]
    held[1].call_soon_threadsafe(held[2].set)
    thread.join(PATIENCE)


@pytest.fixture(scope="module", params=["grpc", "local", GO, *(["real"] if REAL else [])])
def place(request: pytest.FixtureRequest) -> Place:
    """Each way to call."""
    if request.param == GO:
        running: instance.Instance = request.getfixturevalue("like_go")
        return Place(lambda: BackendClient(admitted.caller(running.endpoint, running.access)))
    server, loop = request.getfixturevalue("embedded")
    if request.param == "grpc":
        return Place(lambda: BackendClient(admitted.caller(server.endpoint, server.access)))
    if request.param == "local":
        return Place(lambda: BackendClient(server.caller), loop)
    assert REAL is not None
    token = os.environ.get("FLYTE_BRIDGE_TEST_TOKEN")
    insecure = bool(os.environ.get("FLYTE_BRIDGE_TEST_INSECURE"))
    return Place(
        lambda: BackendClient(GrpcCaller(REAL, insecure=insecure, credentials=Fixed(token) if token else None))
    )
