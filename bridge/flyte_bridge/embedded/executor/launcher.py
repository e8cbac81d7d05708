"""Chooses how a command is started: from a forkserver that has its SDK imported, or as a process of its own.

| command | forkserver | unless |
|---|---|---|
| `a0` | `flyte` | another interpreter is mapped to its image, or it sets what the imports have read already |
| `pyflyte-execute`, `pyflyte-fast-execute`, `pyflyte-map-execute` | `flytekit` | the same |
| `flyte-bridge-driver` | `driver` | it sets what the imports have read already |
| all others | `plain`: nothing imported, the child executes the command | |

A forkserver that cannot be used (another release of the SDK starts a thread that we do not know) is replaced by
`plain` and that is
said once in the log. One whose site-packages have changed since it started is let go and a new one is started.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from flyte_bridge.embedded.executor import environment
from flyte_bridge.embedded.executor.forkserver import ForkServer
from flyte_bridge.embedded_client.target import DRIVER
from flyte_bridge.errors import AlreadyRunning, LaunchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyte_bridge.embedded.executor.interpreters import Interpreter

log = logging.getLogger(__name__)

PLAIN = "plain"
FLAVOURS = {
    "a0": "flyte",
    DRIVER: "driver",
    "pyflyte-execute": "flytekit",
    "pyflyte-fast-execute": "flytekit",
    "pyflyte-map-execute": "flytekit",
}


@dataclass(frozen=True)
class Command:
    """A command, ready to start.

    Attributes:
        changes: What of `env` is the task's own doing.
        control: Where pid and exit are written.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    changes: Mapping[str, str]
    interpreter: Interpreter
    cwd: Path
    log: Path
    control: Path


class ProcessLauncher:
    """Starts commands.

    Args:
        base: The environment of every task, before its own.
        log_dir: For what the forkservers complain about.
        ephemeral: Whether processes end when the server is gone, however it went.
        forkservers: False starts every command as a process of its own.
    """

    def __init__(self, base: Mapping[str, str], log_dir: Path, *, ephemeral: bool, forkservers: bool = True) -> None:
        self._base = {**environment.ALWAYS, **base}
        self._log_dir = log_dir
        self._tmp = log_dir / ".tmp"  # for what imports leave there; the tasks have their own
        self._ephemeral = ephemeral
        self._forkservers = forkservers
        self._servers: dict[str, tuple[ForkServer, float]] = {}
        self._broken: dict[str, str] = {}  # flavour → why
        self._retired: set[asyncio.Task[None]] = set()

    async def launch(self, command: Command) -> tuple[int, asyncio.Future[int | None]]:
        """Start a command; return its process and a future of its exit code.

        Raises:
            AlreadyRunning: Another process has the attempt.
            LaunchError: It cannot be started.
            UsageError: There is no such command.
        """
        flavour = self.flavour(command)
        if PurePath(command.argv[0]).name == DRIVER:
            command = _ours(command)
        program = _find(command)
        if flavour != PLAIN:
            try:
                return await self._launch(flavour, program, command)
            except AlreadyRunning:
                raise
            except LaunchError as error:
                if flavour not in self._broken:
                    self._broken[flavour] = str(error)
                    log.warning(
                        "%s\nFrom now on its tasks are started as processes of their own, which is slower.", error
                    )
        why = self._broken.get(FLAVOURS.get(PurePath(command.argv[0]).name, PLAIN))
        if why is not None:
            await asyncio.to_thread(_tell, command.log, why)
        return await self._launch(PLAIN, program, command)

    def flavour(self, command: Command) -> str:
        """Which forkserver starts a command."""
        flavour = FLAVOURS.get(PurePath(command.argv[0]).name, PLAIN)
        if (
            not self._forkservers
            or flavour in self._broken
            or not command.interpreter.ours
            or environment.needs_own_interpreter(command.changes, self._base, logs=flavour == "flytekit")
        ):
            return PLAIN
        return flavour

    def expect(self, program: str) -> None:
        """Start the forkserver of a command that may come, if it is to have one and has none."""
        flavour = FLAVOURS.get(PurePath(program).name)
        if self._forkservers and flavour and flavour not in self._servers and flavour not in self._broken:
            self.warm(flavour)

    def warm(self, flavour: str) -> None:
        """Start a forkserver in the background, so that the first task does not wait for its imports."""
        task = asyncio.ensure_future(self._warm(flavour))
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    async def stop(self) -> None:
        """Let go of all forkservers."""
        for task in list(self._retired):
            await task
        await asyncio.gather(*(server.stop() for server, _ in self._servers.values()))
        self._servers.clear()
        shutil.rmtree(self._tmp, ignore_errors=True)

    async def _warm(self, flavour: str) -> None:
        try:
            await self._server(flavour).start()
        except LaunchError as error:
            log.debug("%s", error)  # said aloud when a task needs it

    async def _launch(self, flavour: str, program: str, command: Command) -> tuple[int, asyncio.Future[int | None]]:
        python_path = [entry for entry in command.env.get("PYTHONPATH", "").split(":") if entry]
        return await self._server(flavour).launch(
            program=program, argv=command.argv, env=command.env, path=python_path, cwd=command.cwd, log=command.log,
            control=command.control,
        )  # fmt: skip

    def _server(self, flavour: str) -> ForkServer:
        installed = _installed()
        known = self._servers.get(flavour)
        if known is not None and (flavour == PLAIN or known[1] == installed):
            return known[0]
        if known is not None:
            task = asyncio.ensure_future(known[0].stop())
            self._retired.add(task)
            task.add_done_callback(self._retired.discard)
        env = {name: value for name, value in self._base.items() if name != "PYTHONPATH"}
        env["PATH"] = environment.path_of_machine()
        if flavour == FLAVOURS[DRIVER]:
            env["PYTHONPATH"] = _our_path()
        env["TMPDIR"] = str(self._tmp)
        self._tmp.mkdir(parents=True, exist_ok=True)
        path = self._log_dir / f"forkserver-{flavour}.log"
        server = ForkServer(flavour, env=env, log_path=path, ephemeral=self._ephemeral)
        self._servers[flavour] = (server, installed)
        return server


def _tell(log: Path, why: str) -> None:
    """Says at the head of a task's log why it is slower than others."""
    reason = why.strip().splitlines()[-1]
    with log.open("a") as file:
        file.write(f"flyte-bridge: this task has a fresh interpreter, which takes seconds longer: {reason}\n")


def _our_path() -> str:
    """Where our own packages are, for a Python that starts anew."""
    found = (find_spec(name) for name in ("flyte_bridge", "flyte_bridge_translators"))
    roots = [str(Path(entry).parent) for spec in found if spec for entry in spec.submodule_search_locations or ()]
    return os.pathsep.join(dict.fromkeys(roots))


def _ours(command: Command) -> Command:
    """The driver, by this Python and these packages: they need not be installed, and no image has them."""
    path = os.pathsep.join(filter(None, (_our_path(), command.env.get("PYTHONPATH"))))
    argv = [sys.executable, "-m", "flyte_bridge.driver.main", *command.argv[1:]]
    return replace(command, argv=argv, env={**command.env, "PYTHONPATH": path})


def _find(command: Command) -> str:
    program = shutil.which(command.argv[0], path=command.env["PATH"])
    if program is None:
        raise UsageError(
            f"command {command.argv[0]!r} is neither in {command.interpreter.bin} nor elsewhere on the PATH; install "
            "there what brings it, or map the task's image to an environment that has it"
        )
    return program


def _installed() -> float:
    """When anything was last installed or removed, as the directories of site-packages show it."""
    directories = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return max((Path(directory).stat().st_mtime for directory in directories if Path(directory).is_dir()), default=0.0)
