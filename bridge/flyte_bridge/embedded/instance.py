"""One embedded backend per data directory: find it, start it in the background, stop it.

Who runs is decided by a lock the kernel holds (`flock` on `<data_dir>/lock`): it dies with its process, however that
ends, so a killed server leaves nothing that has to be cleaned up. The files beside it only describe the holder:
`lock` has its process number, `server.json` its address, written once it answers. The port in a `server.json` left
behind is used again, so that client configurations stay valid over restarts.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .. import __version__
from ..errors import BackendError, DirectoryInUse, PortInUse, StoreError, Unavailable
from . import snippets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST = "127.0.0.1"
"""Loopback only: the embedded backend knows no users. By number, because SDKs treat the name `localhost` specially."""

_PORTS = range(20000, 30000)
"""Where a new data directory gets its port: below what Linux and macOS hand out for outgoing connections."""

_POLL = 0.02
"""Seconds between looks at the lock."""

_LOG_LIMIT = 16 * 1024 * 1024
"""Bytes after which a start moves `server.log` aside."""


@dataclass(frozen=True)
class Instance:
    """A running embedded backend.

    Attributes:
        started_at: When it was ready, ISO 8601 in UTC.
        version: Of flyte-bridge.
    """

    pid: int
    port: int
    data_dir: str
    started_at: str
    version: str

    @property
    def endpoint(self) -> str:
        """What SDKs call the endpoint: `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The same for a browser."""
        return f"http://{self.endpoint}"

    @property
    def client_config(self) -> str:
        """The file that tells `flyte` of this backend; written when it is ready."""
        return str(Path(self.data_dir) / "flyte.yaml")


def find(data_dir: Path, timeout: float = 5.0) -> Instance | None:
    """The backend that runs on a data directory, or `None`.

    Args:
        data_dir: The directory; it need not exist.
        timeout: Seconds to wait for one that is just starting.

    Raises:
        Unavailable: One holds the directory but does not become ready in time.
    """
    deadline = time.monotonic() + timeout
    while (holder := _holder(data_dir)) is not None:
        instance = _described(data_dir)
        if instance is not None and instance.pid == holder:
            return instance
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{data_dir}: process {holder} holds the directory but has not become ready in {timeout:g} s; "
                f"see {_log_path(data_dir)}, or end that process"
            )
        time.sleep(_POLL)
    return None


def ensure(data_dir: Path) -> Instance:
    """The backend that runs on a data directory; started if there is none. What a client without endpoint calls.

    Raises:
        BackendError: It cannot be started; the message says why.
    """
    running = find(data_dir)
    if running is not None:
        return running
    try:
        return start(data_dir)
    except DirectoryInUse:
        # Somebody else started it between our look and our try.
        running = find(data_dir)
        if running is None:
            raise
        return running


def start(data_dir: Path, port: int | None = None, timeout: float = 30.0) -> Instance:
    """Start a backend in the background and wait until it answers.

    Args:
        data_dir: Its directory; made when missing.
        port: The port to listen on; by default the one this directory had last, or a free one.
        timeout: Seconds to wait for it.

    Raises:
        DirectoryInUse: One runs there already.
        PortInUse: Another process listens on `port`.
        StoreError: The directory cannot be written, or its database is damaged.
        Unavailable: It ended, or was not ready in time.
    """
    data_dir = data_dir.absolute()  # the server leaves this directory
    make_directory(data_dir)
    log_path = _log_path(data_dir)
    if log_path.exists() and log_path.stat().st_size > _LOG_LIMIT:
        log_path.replace(log_path.with_suffix(".log.1"))
    command = [sys.executable, "-m", "flyte_bridge.embedded", "--data-dir", str(data_dir)]
    reading, writing = os.pipe()
    command += ["--ready-fd", str(writing)] + ([] if port is None else ["--port", str(port)])
    with log_path.open("ab") as log:
        # Its own session: closing the terminal or Ctrl-C there must not end it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=[writing],
            start_new_session=True,
        )
    os.close(writing)
    try:
        return _await_ready(process, reading, log_path, timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        os.close(reading)
        # It outlives us on purpose; without this, Popen warns about that when it is collected.
        process.returncode = 0 if process.returncode is None else process.returncode


def stop(data_dir: Path, timeout: float = 15.0) -> Instance | None:
    """Stop the backend that runs on a data directory and wait until it is gone.

    Args:
        data_dir: The directory.
        timeout: Seconds it has to end by itself; then it is killed, which loses nothing that was acknowledged.

    Returns:
        What was stopped, or `None` when nothing ran.
    """
    instance = find(data_dir)
    if instance is None:
        return None
    for number, patience in ((signal.SIGTERM, timeout), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(instance.pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if _holder(data_dir) != instance.pid:
                with suppress(ChildProcessError):
                    os.waitpid(instance.pid, os.WNOHANG)  # ours, if this process started it
                return instance
            time.sleep(_POLL)
    raise Unavailable(f"{data_dir}: process {instance.pid} does not end, not even when killed; look at it with ps")


def run(data_dir: Path, port: int | None, on_ready: Callable[[Instance], None]) -> None:
    """Serve a data directory in this process until SIGTERM or SIGINT; the body of `up --foreground` and of the daemon.

    Args:
        data_dir: The directory; made when missing.
        port: As for `start`.
        on_ready: Called once, when requests are answered.

    Raises:
        BackendError: As for `start`.
    """
    import asyncio

    with hold(data_dir), listen(data_dir, port) as listener:
        from .server import serve

        bound_port = listener.getsockname()[1]  # the server takes the socket over

        def announce() -> None:
            instance = Instance(
                pid=os.getpid(),
                port=bound_port,
                data_dir=str(data_dir),
                started_at=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
                version=__version__,
            )
            _write(Path(instance.client_config), snippets.flyte_yaml(instance))
            _write(data_dir / "server.json", json.dumps(asdict(instance), indent=2) + "\n")
            on_ready(instance)

        asyncio.run(serve(data_dir, listener, announce))


def make_directory(data_dir: Path) -> None:
    """Make a data directory, readable by its owner only: runs' inputs and secrets lie there.

    Raises:
        StoreError: It cannot be made or written.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{data_dir}: cannot be made: {error.strerror}; choose another one with --data-dir") from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise StoreError(f"{data_dir}: no right to write there; choose another one with --data-dir")


@contextmanager
def hold(data_dir: Path) -> Iterator[None]:
    """Hold a data directory for this process.

    Raises:
        DirectoryInUse: Another process holds it.
        StoreError: It cannot be made or written.
    """
    make_directory(data_dir)
    with (data_dir / "lock").open("a+") as lock:
        # Somebody who only looks holds the lock for a moment, so one refusal proves nothing.
        deadline = time.monotonic() + 0.3
        while not _try_lock(lock, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                holder, described = _holder(data_dir), _described(data_dir)
                where = f" at {described.url}" if described is not None and described.pid == holder else ""
                raise DirectoryInUse(
                    f"{data_dir}: an embedded backend runs there already (process {holder}){where}; "
                    f"use that one, stop it with 'flyte-bridge down --data-dir {data_dir}', or choose another directory"
                )
            time.sleep(_POLL)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


@contextmanager
def listen(data_dir: Path, port: int | None) -> Iterator[socket.socket]:
    """A listening socket on loopback.

    Args:
        data_dir: Whose last port is tried first when `port` is `None`; a new one gets a random port of its own, because
            the flyte SDK remembers by endpoint which code bundles it has uploaded.
        port: The port it must be; 0 lets the kernel choose.

    Raises:
        PortInUse: Another process listens on `port`, or there is no right to.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port is not None:
            try:
                listener.bind((HOST, port))
            except OSError as error:
                why = "another process listens there" if error.errno == errno.EADDRINUSE else error.strerror
                raise PortInUse(
                    f"port {port} on {HOST} cannot be used: {why}; choose another with --port, or none for a free one"
                ) from error
        else:
            last = _described(data_dir)
            candidates = [last.port] if last else []
            candidates += random.sample(_PORTS, 50)
            if not any(_bound(listener, candidate) for candidate in candidates):
                listener.bind((HOST, 0))
        listener.listen(256)
        listener.setblocking(False)
        yield listener


def _bound(listener: socket.socket, port: int) -> bool:
    try:
        listener.bind((HOST, port))
    except OSError:
        return False
    return True


def _await_ready(process: subprocess.Popen[bytes], reading: int, log_path: Path, timeout: float) -> Instance:
    deadline = time.monotonic() + timeout
    said = b""
    while not said.endswith(b"\n"):
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise Unavailable(f"the embedded backend was not ready in {timeout:g} s; see {log_path}")
        piece = os.read(reading, 65536)
        if not piece:
            code = process.wait()
            raise Unavailable(f"the embedded backend ended at once with exit code {code}:\n{_tail(log_path)}")
        said += piece
    told = json.loads(said)
    if "error" in told:
        process.wait()
        raise _ERRORS.get(told["error"], Unavailable)(told["message"])
    return Instance(**told)


def report_failure(ready_fd: int, error: BackendError) -> None:
    """The daemon's half of `start`: tell who waits on the pipe why there will be no backend."""
    _say(ready_fd, {"error": type(error).__name__, "message": str(error)})


def report_ready(ready_fd: int, instance: Instance) -> None:
    """The daemon's half of `start`: tell who waits on the pipe that requests are answered."""
    _say(ready_fd, asdict(instance))


_ERRORS: dict[str, type[BackendError]] = {
    error.__name__: error for error in (DirectoryInUse, PortInUse, StoreError, Unavailable)
}


def _say(ready_fd: int, told: dict[str, object]) -> None:
    # Whoever started us may be gone by now, or was told already; that is no reason to stop.
    with suppress(OSError), os.fdopen(ready_fd, "w") as pipe:
        pipe.write(json.dumps(told) + "\n")


def _try_lock(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise StoreError(f"{lock.name}: cannot be locked: {error.strerror}; is this a network file system?") from error
    return True


def _holder(data_dir: Path) -> int | None:
    """The process that holds the directory; 0 while it has not said its number yet."""
    try:
        with (data_dir / "lock").open() as lock:
            if _try_lock(lock, fcntl.LOCK_SH):
                return None
            said = lock.read()
    except FileNotFoundError:
        return None
    return int(said) if said.isdigit() else 0


def _described(data_dir: Path) -> Instance | None:
    try:
        return Instance(**json.loads((data_dir / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        # Missing, cut off or of another version: then nothing is described.
        return None


def _write(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(text)
    draft.replace(path)


def _log_path(data_dir: Path) -> Path:
    return data_dir / "server.log"


def _tail(path: Path, lines: int = 15) -> str:
    with path.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
