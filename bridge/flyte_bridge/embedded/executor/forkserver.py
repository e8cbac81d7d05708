"""The server's end of a zygote: start it when first needed, ask it for processes, hear how they end."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flyte_bridge.errors import AlreadyRunning, LaunchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HEADER = struct.Struct(">I")
_SCRIPT = Path(__file__).with_name("zygote.py")
READY = 60.0
"""Seconds a zygote may take for its imports; a second as a rule, more on a loaded machine with a cold disk."""


class ForkServer:
    """One zygote.

    Args:
        flavour: `plain`, `flyte` or `flytekit`.
        env: The environment it imports in; what a task changes of it and an import reads calls for a plain process.
        log_path: Its own output; where it complains.
        ephemeral: Whether it kills its children when the server is gone.
    """

    def __init__(self, flavour: str, *, env: Mapping[str, str], log_path: Path, ephemeral: bool) -> None:
        self.flavour = flavour
        self._env = dict(env)
        self._log_path = log_path
        self._ephemeral = ephemeral
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._next = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._exits: dict[int, asyncio.Future[int | None]] = {}

    @property
    def pid(self) -> int | None:
        """The zygote's process; None while there is none."""
        return self._process.pid if self._writer is not None and self._process is not None else None

    async def launch(
        self,
        *,
        program: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        path: Sequence[str],
        cwd: Path,
        log: Path,
        control: Path,
    ) -> tuple[int, asyncio.Future[int | None]]:
        """Start a process; return its number and a future of its exit code (None: the zygote died and nobody saw it).

        Raises:
            AlreadyRunning: Another process has the attempt.
            LaunchError: The zygote cannot be started or cannot fork; its message says why.
        """
        await self.start()
        loop = asyncio.get_running_loop()
        self._next += 1
        number = self._next
        answer: asyncio.Future[dict[str, Any]] = loop.create_future()
        ended: asyncio.Future[int | None] = loop.create_future()
        self._answers[number], self._exits[number] = answer, ended
        self._send(
            {"id": number, "program": program, "argv": list(argv), "env": dict(env), "path": list(path),
             "cwd": str(cwd), "log": str(log), "control": str(control)}
        )  # fmt: skip
        try:
            reply = await answer
        except BaseException:
            self._exits.pop(number, None)
            raise
        finally:
            self._answers.pop(number, None)
        if "pid" in reply:
            return int(reply["pid"]), ended
        self._exits.pop(number, None)
        if reply.get("claimed"):
            raise AlreadyRunning(f"{control}: another process has this attempt")
        raise LaunchError(f"the {self.flavour} forkserver could not start {program}: {reply.get('error')}")

    async def start(self) -> None:
        """Start the zygote if there is none.

        Raises:
            LaunchError: Its imports fail, or leave a thread running; the message has its words.
        """
        async with self._starting:
            if self._writer is not None:
                return
            ours, theirs = socket.socketpair()
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with theirs, self._log_path.open("ab") as output:
                    self._process = await asyncio.create_subprocess_exec(
                        sys.executable, str(_SCRIPT), self.flavour, str(theirs.fileno()), "1" if self._ephemeral else "0",
                        stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, env=self._env,
                        pass_fds=(theirs.fileno(),), start_new_session=True, cwd="/",
                    )  # fmt: skip
                reader, writer = await asyncio.open_unix_connection(sock=ours)
            except BaseException:  # cancelled meanwhile
                ours.close()
                raise
            try:
                hello = await asyncio.wait_for(_receive(reader), READY)
            except (asyncio.TimeoutError, EOFError, OSError) as error:
                writer.close()
                raise LaunchError(f"the {self.flavour} forkserver did not start; see {self._log_path}") from error
            except BaseException:  # cancelled: the zygote ends when it finds nobody at the other end
                writer.close()
                raise
            if not hello["ready"]:
                writer.close()
                raise LaunchError(f"the {self.flavour} forkserver cannot be used: {hello['reason']}")
            self._writer = writer
            self._reading = asyncio.create_task(self._read(reader, writer))

    async def stop(self) -> None:
        """Let go of the zygote: it ends with its last child, at once if it is ephemeral."""
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            await self._reading
        if self._process is not None and (self._ephemeral or not self._exits):
            await self._process.wait()

    def _send(self, message: dict[str, Any]) -> None:
        if self._writer is None:
            raise LaunchError(f"the {self.flavour} forkserver is gone; see {self._log_path}")
        data = json.dumps(message).encode()
        self._writer.write(_HEADER.pack(len(data)) + data)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                message = await _receive(reader)
                waiting = (self._exits if "exit" in message else self._answers).get(message["id"])
                if "exit" in message:
                    self._exits.pop(message["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message.get("exit", message))
        except (EOFError, OSError):
            pass
        finally:
            writer.close()
            self._writer = None
            answers, exits = self._answers, self._exits
            self._answers, self._exits = {}, {}
            for answer in answers.values():
                if not answer.done():
                    answer.set_exception(LaunchError(f"the {self.flavour} forkserver died; see {self._log_path}"))
            for ended in exits.values():
                if not ended.done():
                    ended.set_result(None)


async def _receive(reader: asyncio.StreamReader) -> dict[str, Any]:
    (size,) = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    message: dict[str, Any] = json.loads(await reader.readexactly(size))
    return message
