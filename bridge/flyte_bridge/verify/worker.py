"""What the two runners share: the job they are given and the events they write, one JSON line each.

A runner is started with the path of a job file and appends to the job's `events` file as it goes, so that whatever it
dies of, its parent knows how far it came and starts another one for the rest.

| event | fields |
|---|---|
| `imported` | `module`, `error` (null, or as in `raised`) |
| `found` | `id`, `kind`, `inputs` (plain), `sources`, `outputs` (names), `skip` (null, or why it cannot run), `path`, `sample` |
| `start` | `id`, `at` (offset in the captured output) |
| `done` | `id`, `outputs` (canonical), `seconds`, `at` |
| `raised` | `id`, `at`, `type`, `message`, `trace`, `line` (the user's), and what is below |
| `end` | |

Of an exception also: `own` (raised in the user's source), `in_workflow` (in a workflow's body, not in a task), `retried`, `missing`
(which module), `needs` (what this machine lacks).

Imports no SDK.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
import os
import pathlib
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Plain = Any


@dataclasses.dataclass
class Job:
    """What a runner has to do.

    Attributes:
        root: The directory that the modules are imported from.
        modules: Their dotted names.
        events: The file to append events to.
        scratch: A directory for what the run leaves behind.
        base: What relative paths in inputs are relative to.
        given: The user's inputs, by any spelling of a workflow's name.
        calls: Per module, the inputs read from its `__main__` block, by the name that is called.
        targets: What to run, as `module:name` (`module:name#1` on its second row) with plain inputs; null lets Flyte 1's
            runner find all of them.
        skip: Ids that another process has run already.
        tasks: Also run the tasks that no workflow uses.
        samples: How many more rows of inputs are drawn for each workflow.
        only: The ids of the entities to look at; null for all.
        backend: The environment variables that lead to the Flyte 2 that runs the conversion; empty for the SDK's local mode.
    """

    root: str
    modules: list[str]
    events: str
    scratch: str
    base: str
    given: dict[str, list[dict[str, Plain]]] = dataclasses.field(default_factory=dict)
    calls: dict[str, dict[str, dict[str, Plain]]] = dataclasses.field(default_factory=dict)
    targets: dict[str, dict[str, Plain]] | None = None
    skip: list[str] = dataclasses.field(default_factory=list)
    tasks: bool = False
    samples: int = 0
    only: list[str] | None = None
    backend: dict[str, str] = dataclasses.field(default_factory=dict)

    def write(self, path: pathlib.Path) -> None:
        """Store the job for `read`."""
        path.write_text(json.dumps(dataclasses.asdict(self)))

    @classmethod
    def read(cls, path: str) -> Job:
        """The job that `write` stored."""
        return cls(**json.loads(pathlib.Path(path).read_text()))


class Events:
    """The events file, and the runner's own messages about one error."""

    def __init__(self, job: Job) -> None:
        self._file = pathlib.Path(job.events).open("a", encoding="utf-8")  # noqa: SIM115 - lives as long as the process
        self._root = os.path.realpath(job.root) + os.sep

    def write(self, event: str, **fields: Any) -> None:
        """Append one event; it is on disk when this returns."""
        self._file.write(json.dumps({"event": event, **fields}) + "\n")
        self._file.flush()

    def error(self, error: BaseException, **more: Any) -> dict[str, Any]:
        """The fields that tell an error."""
        frames = traceback.extract_tb(error.__traceback__)
        theirs = [os.path.realpath(frame.filename).startswith(self._root) for frame in frames]
        last = next(
            (frame for frame, is_theirs in zip(reversed(frames), reversed(theirs), strict=True) if is_theirs), None
        )
        told = {
            "type": type(error).__name__,
            "message": str(error),
            "own": bool(theirs) and theirs[-1],
            "in_workflow": False,
            "retried": False,
            "line": None if last is None else f"line {last.lineno}: {(last.line or '').strip()}",
            "missing": error.name if isinstance(error, ModuleNotFoundError) else None,
            "needs": None,
            "trace": "".join(traceback.format_exception(error))[-6000:],
        }
        return told | more


def output_offset() -> int:
    """How much the process has printed so far; its output goes to a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return os.fstat(1).st_size
    except OSError:
        return 0


def script_folders(root: pathlib.Path, modules: Iterable[str]) -> list[pathlib.Path]:
    """The directories below a root that hold modules and are no packages."""
    folders = {root.joinpath(*name.split(".")[:-1]) for name in modules}
    return sorted(folder for folder in folders if folder != root and not (folder / "__init__.py").exists())


def import_modules(job: Job, events: Events) -> dict[str, Any]:
    """Import the job's modules; one that fails is told and left out."""
    sys.path.insert(0, job.root)
    # scripts beside each other import each other by their bare names
    sys.path += [str(folder) for folder in script_folders(pathlib.Path(job.root), job.modules)]
    modules: dict[str, Any] = {}
    for name in job.modules:
        try:
            modules[name] = importlib.import_module(name)
        except (Exception, SystemExit) as error:  # noqa: PERF203 - a script without a main guard may exit
            events.write("imported", module=name, error=events.error(error))
        else:
            events.write("imported", module=name, error=None)
    return modules


def attempt(
    events: Events, target: str, run: Callable[[], Any], explain: Callable[[BaseException], Mapping[str, Any]]
) -> None:
    """Run one target and write what came of it.

    Args:
        events: Where to.
        target: Its id.
        run: Runs it and returns the canonical outputs.
        explain: What the SDK knows about an error: overrides of the fields of `raised`.
    """
    events.write("start", id=target, at=output_offset())
    started = time.monotonic()
    try:
        outputs = run()
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        events.write("raised", id=target, **events.error(error, **explain(error)), at=output_offset())
    else:
        events.write("done", id=target, outputs=outputs, seconds=time.monotonic() - started, at=output_offset())


class Refused(ImportError):
    """Raised when one side's process imports the other side's SDK."""


class Refuse:
    """An import finder that keeps one SDK out of the process."""

    def __init__(self, package: str, reason: str) -> None:
        self._package = package
        self._reason = reason

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Raise for the package and what is in it; know nothing about everything else."""
        if name == self._package or name.startswith(self._package + "."):
            raise Refused(self._reason, name=name)
