"""`flyte-bridge demo`: the whole way from Flyte 1 to Flyte 2, on this machine, in a minute."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flyte_bridge import config
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.output import tell

from .options import json_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.embedded_client.instance import Instance

VERSION = "demo"
TASK = "sales-workflows.daily_sales"
"""What the example's workflow is converted to."""

BRIDGE = (sys.executable, "-m", "flyte_bridge_cli.main")

PATIENCE = 300
"""Seconds that a step may take."""


def _remove(directory: Path) -> None:
    """Removes a directory in which tasks may still write their last words, for half a minute on a busy machine."""
    for _ in range(300):
        with suppress(OSError):  # what went meanwhile; Python 3.10 says so all the same
            shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.1)


class StepFailed(click.ClickException):
    """Raised when a step of the demo does not do what it should."""


@dataclass
class Demo:
    """A directory with the example, and two backends in it.

    Attributes:
        place: The directory.
        steps: What was done: what, what came of it, seconds.
        processes: What runs now.
        is_over: Nothing more may run.
    """

    place: Path
    steps: list[tuple[str, str, float]] = field(default_factory=list)
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    is_over: bool = False

    @property
    def report(self) -> Path:
        """The report of the backfill: one page."""
        return self.place / "report.html"

    def side(self, name: str) -> Path:
        """The data directory of a side."""
        return self.place / name

    def start(self) -> None:
        """Starts both backends."""
        from flyte_bridge.embedded_client import instance

        with self.beside(2) as threads:
            self.v1, self.v2 = threads.map(lambda name: instance.start(self.side(name)), ("v1", "v2"))

    def stop(self) -> None:
        """Stops both, and removes what they kept."""
        from flyte_bridge.embedded_client import instance

        self.end_processes()
        for name in ("v1", "v2"):
            if self.side(name).exists():
                instance.stop(self.side(name))
                _remove(self.side(name))

    @contextmanager
    def step(self, what: str) -> Iterator[list[str]]:
        """One step; what comes of it is put into the list."""
        tell(f"{what} …", err=True)
        began = time.monotonic()
        came: list[str] = []
        yield came
        took = time.monotonic() - began
        tell(f"    {'; '.join(came)} ({took:.1f} s)", err=True)
        self.steps.append((what, "; ".join(came), took))

    @staticmethod
    def own_env() -> dict[str, str]:
        """The environment of a process: this one's without what it says of other Flytes."""
        return {name: value for name, value in os.environ.items() if not name.startswith(("FLYTE_", "FLYTECTL_"))}

    def env(self, running: Instance) -> dict[str, str]:
        """The environment of a process, with one of the backends."""
        from flyte_bridge.embedded_client import snippets

        store = {name: value for name, value in snippets.flyte_environment(self.v1).items() if "AWS" in name}
        return self.own_env() | {
            "FLYTE_BRIDGE_DATA_DIR": running.data_dir,
            "FLYTE_BRIDGE_V1_ENDPOINT": self.v1.endpoint,
            "FLYTE_BRIDGE_V1_INSECURE": "true",
            "FLYTE_BRIDGE_V1_TOKEN": self.v1.access.token if self.v1.access is not None else "",
            **{f"FLYTE_BRIDGE_V1_{name.removeprefix('FLYTE_')}": value for name, value in store.items()},
        }

    def bridge(self, *words: str, running: Instance | None = None) -> str:
        """`flyte-bridge …` of both sides; what it printed.

        Raises:
            StepFailed: It exits with anything but 0.
        """
        return self._run([*BRIDGE, *words], self.env(running or self.v2), " ".join(words))

    def alone(self, *words: str) -> str:
        """`flyte-bridge …` that needs no backend; what it printed.

        Raises:
            StepFailed: It exits with anything but 0.
        """
        return self._run([*BRIDGE, *words], self.own_env(), " ".join(words))

    def sdk(self, *words: str) -> str:
        """`flyte …`, the SDK's own command, on Flyte 2; what it printed."""
        from flyte_bridge.embedded_client import snippets

        command = [sys.executable, "-c", "from flyte.cli.main import main; main()", *words]
        return self._run(command, self.env(self.v2) | snippets.flyte_environment(self.v2), f"flyte {' '.join(words)}")

    def _run(self, command: list[str], env: dict[str, str], said: str) -> str:
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=self.place, env=env, stdout=pipe, stderr=pipe, text=True) as process:
            self.processes.append(process)
            if self.is_over:
                process.kill()
            try:
                stdout, stderr = process.communicate(timeout=PATIENCE)
            except BaseException:
                process.kill()
                raise
            finally:
                self.processes.remove(process)
        if process.returncode:
            raise StepFailed(f"{said} exited with {process.returncode}: {stderr.strip() or stdout.strip()}")
        return stdout

    @contextmanager
    def beside(self, number: int) -> Iterator[ThreadPoolExecutor]:
        """Threads for what is done beside something else; if that fails, or is interrupted, nobody waits for them."""
        with ThreadPoolExecutor(number) as threads:
            try:
                yield threads
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                self.end_processes()
                raise

    def end_processes(self) -> None:
        """Ends what runs, and what a thread is about to start: it would start a backend that was stopped again. An executor
        may not know its own thread if it was interrupted as that began."""
        self.is_over = True
        for process in [*self.processes]:
            process.kill()

    # -- the way ------------------------------------------------------------------------------------------------------

    def go(self) -> None:
        """All of it. What needs only the source is done beside the first steps."""
        source = (files("flyte_bridge_cli") / "demo_pipeline.txt").read_text(encoding="utf-8")
        (self.place / "sales.py").write_text(source, encoding="utf-8")
        with self.beside(1) as beside:
            assessing = beside.submit(self.alone, "assess", "sales.py", "--json")
            converting = beside.submit(self.alone, "convert", "sales.py", "-o", "converted")
            self._go(assessing, converting)

    def _go(self, assessing: Future[str], converting: Future[str]) -> None:
        with self.step("start two backends: one stands for Flyte 1") as came:
            self.start()
            came.append(f"{self.v1.endpoint} and {self.v2.endpoint}")
        with self.step("assess sales.py, as it is written for Flyte 1") as came:
            told = json.loads(assessing.result())
            came.append(", ".join(f"{number} {what}" for what, number in told["summary"].items() if number))
        with self.step("register sales.py on both, as it is") as came, self.beside(1) as threads:
            words = ("register", "sales.py", "--version", VERSION)
            first = threads.submit(self.bridge, *words, "--activate-launchplans", running=self.v1)
            self.bridge(*words, running=self.v2)
            first.result()
            came.append(f"version {VERSION}")
        with self.step("run it unchanged, by FlyteRemote, and answer its gate") as came:
            came.extend(self.run_unchanged())
        with self.step("compare the two executions") as came:
            told = json.loads(self.bridge("compare", "v1:unchanged", "v2:unchanged", "--json"))
            came.append(f"{told['verdict']}, {len(told['nodes'])} nodes")
        with self.step("convert it to Flyte 2, and deploy that with the SDK") as came:
            converting.result()
            self.sdk("deploy", "--version", VERSION, "converted/sales.py", "driver")
            came.append(TASK)
        with self.step("run three days on both sides, and compare each") as came:
            came.append(self.backfill("both", "2026-01-08", "--html", str(self.report)))
        with self.step("run a day unchanged and as the conversion, and compare") as came:
            came.append(self.backfill("v1,converted", "2026-01-06", "--task", TASK))
        with self.step("hand the schedule over to Flyte 2, and take it back") as came:
            quick = ("--yes", "--by-hand", "--settle", "1.5s", "--json")
            for action, side in (("start", "v1"), ("handover", "v2"), ("abort", "v1")):
                [told] = json.loads(self.bridge("cutover", action, "every_day", *quick))["launch_plans"]
                if told["side"] != side:
                    raise StepFailed(f"cutover {action}: it is on {told['side']}")
            came.append("Flyte 1 → Flyte 2 → Flyte 1")

    def run_unchanged(self) -> list[str]:
        """Both workflows by flytekit's own FlyteRemote; the gate is answered on Flyte 2."""
        from datetime import datetime, timedelta, timezone

        from flyte_bridge.remote.flyte_remote import FlyteRemote
        from flyte_bridge.remote.in_process import home_of

        day = datetime(2026, 1, 1, 6, tzinfo=timezone.utc)
        told: list[str] = []
        for name in ("v1", "v2"):
            settings = config.load(data_dir=self.side(name))
            remote = FlyteRemote(settings=settings, default_project="flytesnacks", default_domain="development")
            try:
                workflow = remote.fetch_workflow(name="sales.daily_sales", version=VERSION)
                running = remote.execute(workflow, {"day": day}, execution_name="unchanged")
                if name == "v2":
                    told.append(f"corrected(total=40): {self._gate(remote)}")
                remote.wait(running, timeout=timedelta(seconds=PATIENCE), poll_interval=timedelta(seconds=0.3))
            finally:
                home_of(settings).close()
        return told

    def _gate(self, remote: Any) -> int:
        from datetime import timedelta

        workflow = remote.fetch_workflow(name="sales.corrected", version=VERSION)
        waiting = remote.execute(workflow, {"total": 40}, execution_name="gated")
        until = time.monotonic() + PATIENCE
        while not remote.list_signals("gated"):
            if time.monotonic() > until:
                raise StepFailed("the gate of the execution gated does not open")
            time.sleep(0.2)
        remote.set_signal("correction", "gated", 2, python_type=int)
        ended = remote.wait(waiting, timeout=timedelta(seconds=PATIENCE), poll_interval=timedelta(seconds=0.3))
        return int(ended.outputs["o0"])

    def backfill(self, sides: str, end: str, *words: str) -> str:
        """Runs the schedule's fire times from the 5th on; each with what comparing it came to."""
        period = ("every_day", "--from", "2026-01-05", "--to", end, "--on", sides)
        told = json.loads(self.bridge("backfill", *period, "--json", *words))
        return ", ".join(f"{date['at'][:10]} {date['verdict']}" for date in told["dates"])


@click.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Where the example, its conversion and the report go.  [default: a new temporary directory]",
)
@json_option
def command(keep: Path | None, as_json: bool) -> None:
    """Show the whole way on this machine, with nothing configured: run unchanged, compare, convert, backfill, hand over.

    Two embedded backends stand for Flyte 1 and Flyte 2. They are stopped at the end, also by Ctrl-C; the example, its conversion
    and the report stay.
    """
    place = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="flyte-bridge-demo-"))
    place.mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith("FLYTE_BRIDGE_")]:
        del os.environ[name]  # nothing that is configured is touched
    demo = Demo(place)
    began = time.monotonic()
    try:
        try:
            demo.go()
        finally:
            demo.stop()
    except KeyboardInterrupt:
        click.echo("flyte-bridge: interrupted; both backends are stopped", err=True)
        sys.exit(Exit.INTERRUPTED)
    _show(demo, time.monotonic() - began, as_json=as_json)


def _show(demo: Demo, seconds: float, *, as_json: bool) -> None:
    if as_json:
        steps = [{"step": what, "result": came, "seconds": round(took, 2)} for what, came, took in demo.steps]
        click.echo(json.dumps({"steps": steps, "seconds": round(seconds, 2), "report": str(demo.report)}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(soft_wrap=True, highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("step", "result", "time"):
        table.add_column(heading)
    for what, came, took in demo.steps:
        table.add_row(Text(what), Text(came), f"{took:.1f} s")
    console.print(table)
    console.print(Text(f"{seconds:.0f} s. The source and its conversion are in {demo.place}"))
    console.print(Text(f"Report: {demo.report}"))
