"""A real executor, a real object store behind a real port, and real tasks of both SDKs."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl2.core.literals_pb2 import Literal, LiteralCollection, Primitive, Scalar
from flyteidl2.task.common_pb2 import Inputs, NamedLiteral, Outputs
from hypercorn.asyncio import serve
from hypercorn.config import Config

from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.embedded.executor import (
    AttemptEvent,
    AttemptJob,
    AttemptOutcome,
    Executor,
    ExecutorOptions,
    backend_env,
)
from flyte_bridge.embedded.objects import ObjectStore, S3App

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

CODE = Path(__file__).parent / "code"


def literal(value: Any) -> Literal:
    """A Python value as a literal; those that need no type."""
    if isinstance(value, Literal):
        return value
    if isinstance(value, list):
        return Literal(collection=LiteralCollection(literals=[literal(item) for item in value]))
    kind = {bool: "boolean", int: "integer", float: "float_value", str: "string_value"}[type(value)]
    return Literal(scalar=Scalar(primitive=Primitive(**{kind: value})))


def python(value: Literal) -> Any:
    """A literal as a Python value; files and frames as their URI."""
    kind = value.WhichOneof("value")
    if kind == "collection":
        return [python(item) for item in value.collection.literals]
    if kind == "map":
        return {key: python(item) for key, item in value.map.literals.items()}
    scalar = value.scalar
    kind = scalar.WhichOneof("value")
    if kind == "primitive":
        return getattr(scalar.primitive, scalar.primitive.WhichOneof("value"))
    if kind in {"blob", "structured_dataset"}:
        return getattr(scalar, kind).uri
    return scalar


@dataclass
class World:
    """An executor at work."""

    root: Path
    store: ObjectStore
    executor: Executor
    env: dict[str, str]
    templates: Callable[[str], bytes]
    events: list[AttemptEvent] = field(default_factory=list)

    def job(self, task: str | bytes, action: str = "a0", attempt: int = 1, **inputs: Any) -> AttemptJob:
        """An attempt of a task: a name of `v1_tasks`, `v2.` and a name of `v2_tasks`, or a template."""
        key = ActionKey("p", "development", "r1", action)
        literals = [NamedLiteral(name=name, value=literal(value)) for name, value in inputs.items()]
        input_uri = self.store.uri("p/development/r1", action, "inputs.pb")
        self.store.write(input_uri, Inputs(literals=literals).SerializeToString())
        return AttemptJob(
            key=key,
            attempt=attempt,
            template=self.templates(task) if isinstance(task, str) else task,
            input_uri=input_uri.removesuffix("/inputs.pb"),
            output_prefix=self.store.uri("p/development/r1", action, str(attempt)),
            run_output_base=self.store.uri("p/development/r1"),
            run_start_time=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
            work_dir=self.root / "work" / action / str(attempt),
            log_path=self.root / "logs" / f"{action}-{attempt}.log",
        )

    async def run(self, job: AttemptJob, **changes: Any) -> AttemptOutcome:
        """Run an attempt to its end."""
        return await self.executor.run(replace(job, **changes), self.events.append)

    def outputs(self, outcome: AttemptOutcome) -> Any:
        """The outputs: one value, or by name."""
        assert outcome.failure is None, outcome.failure
        message = Outputs.FromString(self.store.read(outcome.outputs_uri))
        values = {entry.name: python(entry.value) for entry in message.literals}
        return values["o0"] if list(values) == ["o0"] else values

    async def again(self, **options: Any) -> Executor:
        """A new executor in the place of the old one, as after a restart of the server."""
        self.executor = Executor(self.store, self.root / "logs", replace(self.executor.options, **options))
        await self.executor.start(self.env)
        return self.executor

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something to become true."""
        for _ in range(int(seconds / 0.02)):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("did not happen in time")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The templates of `v1_tasks` and `v2_tasks`, made by the SDKs themselves, each in its own process."""
    root = tmp_path_factory.mktemp("templates")
    env = {**os.environ, "HOME": str(root), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}

    def template(name: str) -> bytes:
        version = "v2" if name.startswith("v2.") else "v1"
        if not list(root.glob(f"{version}-done")):
            script = CODE / f"serialise_{version}.py"
            subprocess.run([sys.executable, str(script), str(root)], check=True, env=env, cwd=CODE)
            (root / f"{version}-done").touch()
        return (root / f"{name}.pb").read_bytes()

    return template


@pytest.fixture
def world(tmp_path: Path, templates: Callable[[str], bytes], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a `World`: `async with world(option=…) as w`."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", str(CODE))

    @asynccontextmanager
    async def make(**options: Any) -> AsyncIterator[World]:
        store = ObjectStore(tmp_path / "objects")
        async with _served(store) as endpoint:
            env = backend_env(endpoint, None, tmp_path / "token")
            executor = Executor(store, tmp_path / "logs", ExecutorOptions(**{"ephemeral": True, **options}))
            await executor.start(env)
            made = World(tmp_path, store, executor, env, templates)
            try:
                yield made
            finally:
                await made.executor.stop()

    return make


@asynccontextmanager
async def _served(store: ObjectStore) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()[:2]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.errorlog = logging.getLogger("hypercorn")
    config.graceful_timeout = 0.1
    stop = asyncio.Event()
    serving = asyncio.ensure_future(serve(S3App(store, None), config, shutdown_trigger=stop.wait))  # type: ignore[arg-type]
    try:
        yield f"{host}:{port}"
    finally:
        stop.set()
        await serving


@pytest.fixture
def no_processes_left(tmp_path: Path) -> Iterator[None]:
    """Fails if a process still runs under the test's directory."""
    yield
    left = [pid.name for pid in Path("/proc").glob("[0-9]*") if _cwd(pid).startswith(str(tmp_path))]
    assert not left


def _cwd(process: Path) -> str:
    try:
        return str(process.joinpath("cwd").readlink())
    except OSError:
        return ""
