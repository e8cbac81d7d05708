"""Who holds a data directory: the kernel's lock, and the files that describe its holder.

The lock (`flock` on `<data_dir>/lock`) dies with its process, however that ends, so a killed server leaves nothing that
has to be cleaned up. The files only describe the holder: `lock` has its process number, `server.json` its address,
written once it answers.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from flyte_bridge.embedded_client import access
from flyte_bridge.errors import DirectoryInUse, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
"""Loopback only: tasks run as the user who started it. By number, because SDKs treat the name `localhost` specially."""

POLL = 0.02
"""Seconds between looks at the lock."""

_STARTING = 10.0
"""Seconds that a process may take from its fork to its program; milliseconds, but for a loaded machine."""


@dataclass(frozen=True)
class Instance:
    """A running embedded backend.

    Attributes:
        started_at: When it was ready, ISO 8601 in UTC.
        version: Of flyte-bridge.
        require_token: Whether clients need the installation's token.
    """

    pid: int
    port: int
    data_dir: str
    started_at: str
    version: str
    require_token: bool = True

    @property
    def endpoint(self) -> str:
        """What SDKs call the endpoint: `host:port`."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The same for a browser."""
        return f"http://{self.endpoint}"

    @property
    def access(self) -> access.Access | None:
        """What opens it; `None` if nothing has to.

        Raises:
            StoreError: It cannot be read.
        """
        return access.read(Path(self.data_dir)) if self.require_token else None

    @property
    def token_file(self) -> Path:
        """Where the token lies."""
        return access.path_of(Path(self.data_dir))

    @property
    def client_config(self) -> str:
        """The file that tells `flyte` of this backend; written when it is ready."""
        return str(Path(self.data_dir) / "flyte.yaml")


def make_directory(data_dir: Path) -> None:
    """Make a data directory, readable by its owner only: runs' inputs and secrets lie there. One that is there is made so.

    Raises:
        StoreError: It cannot be made or written, or is somebody else's.
    """
    if "," in str(data_dir):
        raise StoreError(
            f"{data_dir}: a comma in the path, at which flytekit would split the command that tells it the token; "
            "choose another one with --data-dir"
        )
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{data_dir}: cannot be made: {error.strerror}; choose another one with --data-dir") from error
    _make_private(data_dir)
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise StoreError(f"{data_dir}: no right to write there; choose another one with --data-dir")


def _make_private(data_dir: Path) -> None:
    """Takes everybody else's rights away; below the directory nothing can be reached then, whatever its own mode."""
    try:
        told = data_dir.stat()
        if os.geteuid() not in {told.st_uid, 0}:
            raise StoreError(
                f"{data_dir}: belongs to another user (uid {told.st_uid}), who could read secrets and change what tasks run; "
                "choose another one with --data-dir"
            )
        if told.st_mode & 0o077:
            data_dir.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"{data_dir}: cannot be made private: {error.strerror}; choose another one with --data-dir"
        ) from error


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
                holder, told = holder_of(data_dir), described(data_dir)
                if holder is None:
                    continue
                where = f" at {told.url}" if told is not None and told.pid == holder else ""
                raise DirectoryInUse(
                    f"{data_dir}: an embedded backend runs there already (process {holder}){where}; "
                    f"use that one, stop it with 'flyte-bridge down --data-dir {data_dir}', or choose another directory"
                )
            time.sleep(POLL)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _try_lock(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EAGAIN, errno.EACCES}:
            return False
        raise StoreError(f"{lock.name}: cannot be locked: {error.strerror}; is this a network file system?") from error
    return True


def holder_of(data_dir: Path) -> int | None:
    """The process that holds the directory; 0 while it has not said its number yet.

    One that was killed while it started another may leave its lock with that one until it executes its program: waited for.
    """
    deadline = time.monotonic() + _STARTING
    while True:
        try:
            with (data_dir / "lock").open() as lock:
                if _try_lock(lock, fcntl.LOCK_SH):
                    return None
                said = lock.read()
        except FileNotFoundError:
            return None
        holder = int(said) if said.isdigit() else 0
        if holder == 0 or _exists(holder) or time.monotonic() > deadline:
            return holder
        time.sleep(POLL)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def described(data_dir: Path) -> Instance | None:
    """What the directory's `server.json` says, be it true still or not."""
    try:
        return Instance(**json.loads((data_dir / "server.json").read_text()))
    except (OSError, ValueError, TypeError):
        # Missing, cut off or of another version: then nothing is described.
        return None


def describe(instance: Instance) -> None:
    """Write the `server.json` of a backend that answers from now on."""
    write(Path(instance.data_dir) / "server.json", json.dumps(asdict(instance), indent=2) + "\n")


def write(path: Path, text: str) -> None:
    """Replace a file as a whole."""
    access.write_private(path, text)
