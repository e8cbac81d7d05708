"""Starts a runner in a clean process, reads its events, and ends it.

Clean: a home of its own, no telemetry, no Flyte configuration, an empty working directory, a fixed hash seed, its
output in a file, its own session. A runner that dies or takes too long loses the one workflow it was at; another one is
started for the rest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import sysconfig
import threading
from typing import TYPE_CHECKING, Any

import flyte_bridge
from flyte_bridge.verify.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyte_bridge.verify.worker import Job

_DROPPED = ("FLYTE_", "FLYTECTL_", "UCTL_", "UNION_", "_F_", "_U_", "PYTEST_")
"""Variables that would point a runner at a cluster, or make it believe that it is in one."""

_SHARED_CACHES = {
    "HF_HOME": ".cache/huggingface",
    "NLTK_DATA": "nltk_data",
    "SCIKIT_LEARN_DATA": "scikit_learn_data",
    "TORCH_HOME": ".cache/torch",
}
"""Data sets and weights that a library has fetched into the user's home, which the private home would hide."""

IMPORTS = 60.0
"""Seconds that starting up and importing a module may take at least, whatever the limit of a workflow is."""

_POLL = 0.02
"""Seconds between two looks at the events."""


@dataclasses.dataclass
class Ran:
    """What the processes of one side have told.

    Attributes:
        imported: Per module, its import's error or None.
        found: Per id, the `found` event.
        ended: Per id, the `done` or `raised` event; a crash or a timeout is a `raised` one too.
        logs: Per id, what was printed while it ran.
    """

    imported: dict[str, dict[str, Any] | None] = dataclasses.field(default_factory=dict)
    found: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    ended: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    logs: dict[str, str] = dataclasses.field(default_factory=dict)

    def add(self, other: Ran) -> None:
        """Take in what another process told."""
        for field in dataclasses.fields(self):
            getattr(self, field.name).update(getattr(other, field.name))


class Stopped(Exception):
    """Raised in the threads that watch runners when the verification was interrupted; nobody else sees it."""


def run(
    runner: str,
    job: Job,
    scratch: pathlib.Path,
    *,
    timeout: float,
    python: str,
    seed: int,
    stop: threading.Event,
) -> Ran:
    """Run a job to its end, in as many processes as it takes.

    Args:
        runner: The module: `runner_v1` or `runner_v2`.
        job: What to do; its `events` and `scratch` are set here.
        scratch: A directory for the processes.
        timeout: Seconds for each workflow, as `Clock` counts them.
        python: The interpreter.
        seed: Of the processes' string hashes.
        stop: When set, the processes are ended.

    Raises:
        Stopped: `stop` was set.
    """
    runs = _Runs(runner, scratch, timeout, python, seed, stop)
    ran = runs.all(job)
    spoiled = [name for name, error in ran.imported.items() if error is not None and not error["missing"]]
    if len(job.modules) > 1:
        # unrelated scripts may not get along in one process: two launch plans of one name are an error in Flyte 1
        for name in spoiled:
            alone = runs.all(dataclasses.replace(job, modules=[name]))
            if alone.imported.get(name) is None:
                ran.add(alone)
    return ran


class _Runs:
    """The processes of one side."""

    def __init__(
        self, runner: str, scratch: pathlib.Path, timeout: float, python: str, seed: int, stop: threading.Event
    ) -> None:
        self._runner = runner
        self._scratch = scratch
        self._timeout = timeout
        self._python = python
        self._seed = seed
        self._stop = stop
        self._started = 0

    def all(self, job: Job) -> Ran:
        """Run a job to its end; each process but the last loses one workflow or module, so there is an end."""
        ran = Ran()
        while job.modules:
            self._started += 1
            folder = self._scratch / str(self._started)
            folder.mkdir(parents=True)
            if _Process(self._runner, job, folder, self._python, self._seed).watch(ran, self._timeout, self._stop):
                break
            job = dataclasses.replace(
                job,
                skip=sorted({*job.skip, *ran.ended}),
                modules=[name for name in job.modules if not _fatal(ran.imported.get(name))],
            )
        return ran


def _fatal(error: Mapping[str, Any] | None) -> bool:
    return error is not None and error["type"] in FATAL


CRASH, LATE = "crash", "late"
"""The types of an error that was the end of the process: by itself, or because it took too long."""

FATAL = (CRASH, LATE)


class _Process:
    def __init__(self, runner: str, job: Job, folder: pathlib.Path, python: str, seed: int) -> None:
        for name in ("home", "tmp", "cwd", "scratch"):
            (folder / name).mkdir()
        self._job = dataclasses.replace(job, events=str(folder / "events"), scratch=str(folder / "scratch"))
        self._job.write(folder / "job.json")
        self._events = folder / "events"
        self._events.touch()
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [python, "-m", f"flyte_bridge.verify.{runner}", str(folder / "job.json")],
                cwd=folder / "cwd",
                env=environment(folder, seed),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._open: tuple[str, int] | None = None
        self._waiting = list(self._job.modules)
        self._ended = False

    def watch(self, ran: Ran, timeout: float, stop: threading.Event) -> bool:
        """Take the events in until the end; whether the job is done, or another process has to go on."""
        read, clock, late = 0, Clock(self._process.pid), False
        try:
            while True:
                running = self._process.poll() is None
                text = self._events.read_bytes()[read:]
                whole = text[: text.rfind(b"\n") + 1]
                for line in whole.splitlines():
                    self._take(json.loads(line), ran)
                if whole:
                    read += len(whole)
                    clock.start()
                if self._ended or not running:
                    break
                limit = timeout if self._open is not None else max(timeout, IMPORTS)
                if late := clock.seconds() > limit:
                    break
                if stop.wait(_POLL):
                    raise Stopped("the verification was interrupted")
        finally:
            self._end()
        if self._ended:
            return True
        self._blame(ran, *((LATE, f"no answer within {limit:g} s") if late else (CRASH, self._death())))
        return self._open is None and not self._waiting

    def _take(self, event: dict[str, Any], ran: Ran) -> None:
        match event["event"]:
            case "imported":
                ran.imported[event["module"]] = event["error"]
                self._waiting.remove(event["module"])
            case "found":
                ran.found[event["id"]] = event
            case "start":
                self._open = (event["id"], event["at"])
            case "done" | "raised":
                ran.ended[event["id"]] = event
                if self._open is not None:
                    ran.logs[event["id"]] = self._printed(self._open[1], event["at"])
                self._open = None
            case "end":
                self._ended = True

    def _blame(self, ran: Ran, kind: str, why: str) -> None:
        """Charge what the process was at."""
        error: dict[str, Any] = {"event": "raised", "type": kind, "message": why}
        error |= dict.fromkeys(("own", "in_workflow", "retried"), False)
        error |= dict.fromkeys(("line", "missing", "needs"))
        if self._open is not None:
            target, at = self._open
            ran.ended[target] = {**error, "id": target, "trace": ""}
            ran.logs[target] = self._printed(at, None)
        elif self._waiting:
            ran.imported[self._waiting[0]] = {**error, "trace": self._printed(0, None)}
        else:
            # between the imports and the first workflow: nothing can be said about the rest
            for module in self._job.modules:
                ran.imported[module] = {**error, "trace": self._printed(0, None)}

    def _death(self) -> str:
        status = self._process.wait()
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"the process was ended by {signal.Signals(-status).name}"
        return f"the process ended with exit status {status}"

    def _printed(self, start: int, end: int | None) -> str:
        with self._log.open("rb") as log:
            log.seek(start)
            data = log.read() if end is None else log.read(max(0, end - start))
        return data.decode(errors="replace")[-4000:]

    def _end(self) -> None:
        """End the process and whatever it started."""
        if self._ended:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def environment(folder: pathlib.Path, seed: int) -> dict[str, str]:
    """A runner's environment variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_DROPPED)}
    home = pathlib.Path.home()
    caches = {name: str(home / path) for name, path in _SHARED_CACHES.items() if (home / path).is_dir()}
    # a secret has one name on each side; whichever the user has set serves both
    secrets = {name.removeprefix("_FSEC_"): value for name, value in kept.items() if name.startswith("_FSEC_")}
    return {
        **caches,
        **secrets,
        **kept,
        "DO_NOT_TRACK": "1",
        "FLYTE_DISABLE_TELEMETRY": "1",
        "FLYTE_LOCAL_CACHE_ENABLED": "false",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": str(seed),
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(_search_path(kept.get("PYTHONPATH", ""))),
    }


def _search_path(inherited: str) -> Sequence[str]:
    """What `PYTHONPATH` has to hold so that the runner finds this package, which may be no installed one."""
    own = pathlib.Path(flyte_bridge.__file__).resolve().parent.parent
    installed = {pathlib.Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    others = [part for part in inherited.split(os.pathsep) if part]
    # site-packages on PYTHONPATH would come before the standard library
    return others if own in installed or str(own) in others else [str(own), *others]


PYTHON = sys.executable
"""The interpreter that runs both sides unless told otherwise."""
