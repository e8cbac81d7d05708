"""One embedded backend per data directory: find it, start it in the background, stop it.

Who runs is decided by a lock the kernel holds (see `holder`). The port in a `server.json` left behind is used again, so
that client configurations stay valid over restarts.
"""

from __future__ import annotations

import errno
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
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from flyte_bridge.embedded_client.directory_lock import (
    HOST,
    POLL,
    Instance,
    described,
    hold,
    holder_of,
    make_directory,
)
from flyte_bridge.errors import BridgeError, ConfigError, DirectoryInUse, PortInUse, StoreError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.config import Settings

__all__ = ["HOST", "Instance", "endpoint_of", "ensure", "find", "hold", "listen", "start", "stop"]

_PORTS = range(20000, 30000)
"""Where a new data directory gets its port: below what Linux and macOS hand out for outgoing connections."""


def find(data_dir: Path, timeout: float = 30.0) -> Instance | None:
    """The backend that runs on a data directory, or `None`.

    Args:
        data_dir: The directory; it need not exist.
        timeout: Seconds to wait for one that is just starting.

    Raises:
        Unavailable: One holds the directory but does not become ready in time.
    """
    deadline = time.monotonic() + timeout
    while (holder := holder_of(data_dir)) is not None:
        instance = described(data_dir)
        if instance is not None and instance.pid == holder:
            return instance
        if time.monotonic() > deadline:
            raise Unavailable(
                f"{data_dir}: process {holder} holds the directory but has not become ready in {timeout:g} s; "
                f"see {log_of(data_dir)}, or end that process"
            )
        time.sleep(POLL)
    return None


def ensure(data_dir: Path) -> Instance:
    """The backend that runs on a data directory; started if there is none. What a client without endpoint calls.

    Raises:
        BackendError: It cannot be started; the message says why.
        ConfigError: The settings cannot be.
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


def endpoint_of(settings: Settings) -> str:
    """`host:port` of the Flyte 2 that the settings mean; the embedded one is started when it does not run.

    Raises:
        BackendError: It cannot be started; the message says why.
        ConfigError: The settings cannot be.
    """
    return settings.endpoint or ensure(settings.data_dir).endpoint


def start(
    data_dir: Path, port: int | None = None, timeout: float = 30.0, *, require_token: bool | None = None
) -> Instance:
    """Start a backend in the background and wait until it answers.

    Args:
        data_dir: Its directory; made when missing.
        port: The port to listen on; by default the one this directory had last, or a free one.
        timeout: Seconds to wait for it.
        require_token: Whether clients need the installation's token; by default what the settings say, which is yes.

    Raises:
        DirectoryInUse: One runs there already.
        PortInUse: Another process listens on `port`.
        StoreError: The directory cannot be written, or its database is damaged.
        Unavailable: It ended, or was not ready in time.
    """
    data_dir = data_dir.absolute()  # the server leaves this directory
    make_directory(data_dir)
    log_path = log_of(data_dir)
    command = [sys.executable, "-m", "flyte_bridge.remote.embedded_process", "--data-dir", str(data_dir)]
    reading, writing = os.pipe()
    command += ["--ready-fd", str(writing)] + ([] if port is None else ["--port", str(port)])
    if require_token is not None:
        command.append("--require-token" if require_token else "--no-require-token")
    with log_path.open("ab") as log:
        # Its own session: closing the terminal or Ctrl-C there must not end it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            # a hosted program's children are hosted (`remote.hook`), but this is none, nor are the tasks it will run
            env={name: value for name, value in os.environ.items() if name != "FLYTE_BRIDGE_HOSTED"},
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
            if holder_of(data_dir) != instance.pid:
                with suppress(ChildProcessError):
                    os.waitpid(instance.pid, os.WNOHANG)  # ours, if this process started it
                return instance
            time.sleep(POLL)
    raise Unavailable(f"{data_dir}: process {instance.pid} does not end, not even when killed; look at it with ps")


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
            last = described(data_dir)
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


def report_failure(ready_fd: int, error: BridgeError) -> None:
    """The daemon's half of `start`: tell who waits on the pipe why there will be no backend."""
    _say(ready_fd, {"error": type(error).__name__, "message": str(error)})


def report_ready(ready_fd: int, instance: Instance) -> None:
    """The daemon's half of `start`: tell who waits on the pipe that requests are answered."""
    _say(ready_fd, asdict(instance))


_ERRORS: dict[str, type[BridgeError]] = {
    error.__name__: error for error in (ConfigError, DirectoryInUse, PortInUse, StoreError, Unavailable)
}


def _say(ready_fd: int, told: dict[str, object]) -> None:
    # Whoever started us may be gone by now, or was told already; that is no reason to stop.
    with suppress(OSError), os.fdopen(ready_fd, "w") as pipe:
        pipe.write(json.dumps(told) + "\n")


def log_of(data_dir: Path) -> Path:
    """Where the backend of a data directory logs."""
    return data_dir / "server.log"


def _tail(path: Path, lines: int = 15) -> str:
    with path.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
