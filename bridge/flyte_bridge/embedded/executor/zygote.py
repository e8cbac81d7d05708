"""The process that tasks are forked from.

One runs per flavour: `plain` (nothing imported, the child executes a command), `flyte` and `flytekit` (the SDK is
imported
already, the child calls its entry point). It is the parent of every task process, outlives a killed server, and writes
down how each child ended, so that the next server knows.

It is run as a file, not as a module of the package, and needs the standard library only: what a task sees must not
depend on
what flyte-bridge imports. One thread, always: forking a process with two is undefined.

```
zygote.py FLAVOUR FD EPHEMERAL
    FD          our end of a socket pair
    EPHEMERAL   1: kill the children when the server is gone
```

Messages are JSON behind four bytes of length. We say `{"ready": …}` once; a request `{"id", "program", "argv", "env",
"path", "cwd", "log", "control"}` is answered by `{"id", "pid"}`, `{"id", "claimed": true}` (another process has this
attempt) or `{"id", "error"}`; when a child ends we say `{"id", "exit": code}`.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import selectors
import signal
import socket
import struct
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

PID_FILE = "pid.json"
EXIT_FILE = "exit.json"
"""Names in the attempt's work directory; `attempt_files` reads them."""

COMMAND_NOT_FOUND = 127
_HEADER = struct.Struct(">I")
_KILLED = 128
_SETTLE = 1.0


class Link:
    """The zygote's end of the socket pair."""

    def __init__(self, fd: int) -> None:
        self.socket: socket.socket | None = socket.socket(fileno=fd)
        self._buffer = b""

    def send(self, message: dict[str, Any]) -> None:
        """Send, unless the server is gone."""
        if self.socket is None:
            return
        data = json.dumps(message).encode()
        try:
            self.socket.sendall(_HEADER.pack(len(data)) + data)
        except OSError:
            self.close()

    def receive(self) -> list[dict[str, Any]]:
        """Return the messages that have come; closes itself at the end of the stream."""
        if self.socket is None:
            return []
        try:
            data = self.socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.close()
            return []
        self._buffer += data
        messages = []
        while len(self._buffer) >= _HEADER.size:
            (size,) = _HEADER.unpack_from(self._buffer)
            if len(self._buffer) < _HEADER.size + size:
                break
            messages.append(json.loads(self._buffer[_HEADER.size : _HEADER.size + size]))
            self._buffer = self._buffer[_HEADER.size + size :]
        return messages

    def close(self) -> None:
        """Forget the server."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def start_ticks(pid: int) -> str:
    """When a process started, in the kernel's ticks since boot; empty where /proc does not say (not Linux, or gone)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]  # field 22; the command's name, in parentheses, may hold spaces


def boot_id() -> str:
    """What tells this boot of the machine from others; empty where /proc does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def write_exit(control: Path, code: int) -> None:
    """Write down how the attempt's process ended; all or nothing."""
    temporary = control / f".{EXIT_FILE}"
    temporary.write_text(json.dumps({"code": code, "at": time.time_ns() // 1000}))
    temporary.replace(control / EXIT_FILE)


def claim(control: Path) -> bool:
    """Take the attempt for this process: write its pid file, unless there is one. In the child, before anything else.

    This is what keeps an attempt from being run twice when a server dies between asking for a process and hearing of
    it.
    """
    pid = os.getpid()
    body = {"pid": pid, "ticks": start_ticks(pid), "boot": boot_id(), "at": time.time_ns() // 1000}
    temporary = control / f".{PID_FILE}.{pid}"
    temporary.write_text(json.dumps(body))
    try:
        os.link(temporary, control / PID_FILE)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    return True


class Zygote:
    """Answers requests and reaps."""

    def __init__(self, link: Link, runner: ModuleType | None, *, ephemeral: bool) -> None:
        self.link = link
        self.runner = runner
        self.ephemeral = ephemeral
        self.children: dict[int, tuple[int, Path]] = {}
        self._wakeup, self._signals = os.pipe()
        for fd in (self._wakeup, self._signals):
            os.set_blocking(fd, False)

    def serve(self) -> None:
        """Run until the server is gone and the last child has ended."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._signals, warn_on_full_buffer=False)
        selector = selectors.DefaultSelector()
        selector.register(self._wakeup, selectors.EVENT_READ)
        registered = self.link.socket
        if registered is not None:
            selector.register(registered, selectors.EVENT_READ)
        while self.link.socket is not None or self.children:
            for key, _ in selector.select():
                if key.fd == self._wakeup:
                    with suppress(BlockingIOError):
                        os.read(self._wakeup, 4096)
                else:
                    for request in self.link.receive():
                        self.launch(request)
            self.reap()
            if self.link.socket is None and registered is not None:
                selector.unregister(registered)
                registered = None
                if self.ephemeral:
                    for pid in self.children:
                        _kill_group(pid)

    def launch(self, request: dict[str, Any]) -> None:
        """Fork one child and tell how it went."""
        control = Path(request["control"])
        reading, writing = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(reading)
            os.close(writing)
            self.link.send({"id": request["id"], "error": f"cannot fork: {error}"})
            return
        if pid == 0:
            os.close(reading)
            self._child(request, control, writing)
        os.close(writing)
        answer = os.read(reading, 4096)
        os.close(reading)
        if answer == b"ok":
            self.children[pid] = (request["id"], control)
            self.link.send({"id": request["id"], "pid": pid})
            return
        os.waitpid(pid, 0)
        if answer == b"claimed":
            self.link.send({"id": request["id"], "claimed": True})
        else:
            self.link.send({"id": request["id"], "error": answer.decode() or "the process died before it began"})

    def reap(self) -> None:
        """Take note of the children that have ended."""
        for pid in list(self.children):
            status = _ended(pid)
            if status is None:
                continue
            code = os.waitstatus_to_exitcode(status)
            code = _KILLED - code if code < 0 else code
            request, control = self.children.pop(pid)
            with suppress(OSError):  # the disk is full or the directory gone: the server is still told
                write_exit(control, code)
            self.link.send({"id": request, "exit": code})

    def _child(self, request: dict[str, Any], control: Path, report: int) -> NoReturn:
        code = 1
        try:
            try:
                self._become(request)
                claimed = claim(control)
            except BaseException as error:
                os.write(report, f"{type(error).__name__}: {error}"[:4000].encode())
                os._exit(1)
            if not claimed:
                os.write(report, b"claimed")
                os._exit(1)
            os.write(report, b"ok")
            os.close(report)
            code = self._run(request)
        finally:
            os._exit(code)

    def _become(self, request: dict[str, Any]) -> None:
        """Leave the zygote behind: own session, own files, own environment."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        if self.runner is None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        else:  # as a Python process starts, or as an import has left it (flytekit has a handler of its own)
            if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
                signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        os.close(self._wakeup)
        os.close(self._signals)
        self.link.close()
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])

    def _run(self, request: dict[str, Any]) -> int:
        if self.runner is None:
            try:
                os.execve(request["program"], request["argv"], request["env"])
            except OSError as error:
                os.write(2, f"{request['program']}: {error.strerror}\n".encode())
                return COMMAND_NOT_FOUND
        return run_python(self.runner, request)


def run_python(runner: ModuleType, request: dict[str, Any]) -> int:
    """Call an entry point as its console script would, and end as the interpreter would."""
    import atexit
    import importlib
    import tempfile
    import threading

    tempfile.tempdir = None  # an import has asked for it, before this process had a TMPDIR of its own
    program = request["program"]
    main = ModuleType("__main__")
    main.__file__ = program  # what multiprocessing's spawn would run again
    main.__spec__ = None
    sys.modules["__main__"] = main
    sys.argv = [program, *request["argv"][1:]]
    sys.path[:0] = [str(Path(program).parent), *request["path"]]
    importlib.invalidate_caches()
    try:
        runner.run(request["argv"])
        code = 0
    except SystemExit as leaving:
        code = _exit_code(leaving)
    except BaseException:
        traceback.print_exc()
        code = 1
    with suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]  # joins what the task left running, as interpreters do
    with suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    return code


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code & 0xFF
    print(leaving.code, file=sys.stderr)
    return 1


def _ended(pid: int) -> int | None:
    """Reap a child that has ended and return its status, with what it left running killed, as in a container."""
    try:
        if hasattr(os, "waitid"):  # not on macOS before Python 3.13
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return None
            _kill_group(pid)  # before reaping: until then nobody else can have the number
        reaped, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 1 << 8  # somebody else reaped it; the result files decide
    if not reaped:
        return None
    _kill_group(pid)
    return status


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _load(flavour: str) -> ModuleType | None:
    if flavour == "plain":
        return None
    path = Path(__file__).with_name(f"zygote_{flavour}.py")
    spec = importlib.util.spec_from_file_location(f"_zygote_{flavour}", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _threads() -> int:
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        import threading

        return threading.active_count()


def main(flavour: str, fd: int, *, ephemeral: bool) -> None:
    """Prepare, say so, serve."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the terminal's; the server decides when we end
    # Python put this file's directory first: a user's `result` or `template` must not be ours.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
    link = Link(fd)
    try:
        runner = _load(flavour)
        if runner is not None:
            runner.prepare()
        deadline = time.monotonic() + _SETTLE
        while (threads := _threads()) != 1 and time.monotonic() < deadline:
            time.sleep(0.001)  # a thread that was joined is gone for Python first, for the kernel a little later
        if threads != 1:
            raise RuntimeError(f"{threads} threads run after the imports; forking needs exactly one")
    except BaseException:
        link.send({"ready": False, "reason": traceback.format_exc()})
        return
    gc.collect()
    gc.freeze()  # the collector would otherwise write to, and so copy, every shared page
    link.send({"ready": True})
    Zygote(link, runner, ephemeral=ephemeral).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), ephemeral=sys.argv[3] == "1")
