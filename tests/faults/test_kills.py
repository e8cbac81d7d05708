"""`kill -9` of server, driver, forkserver and task at random points of random workflows: what was acknowledged is found.

As in Jepsen: a run is acknowledged when `CreateRun` has answered. Found must be: the run, ended well, with the value that its
graph comes to; and of each task one body that has ended, or one more for each kill that may have hit between a body's end and
the upload of what it came to. Seeded by FLYTE_BRIDGE_TEST_SEED; a handful of runs, 500 with FLYTE_BRIDGE_TEST_FULL=1.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from driver.bed import Bed, Done
from flyte_bridge.embedded_client import instance
from modes import FULL

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = Path(__file__).with_name("code")
RUNS = 500 if FULL else 4
SEED = int(os.environ.get("FLYTE_BRIDGE_TEST_SEED", "12"))
VICTIMS = ("driver", "task", "server", "forkserver")

_PATIENCE = 2.0
"""Seconds in which a run may come to have a process to kill; one that has ended never will."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")


@dataclass
class Graph:
    """A workflow: each step with those before it.

    Attributes:
        entity: flytekit's.
        before: Of each step, the steps whose values it takes.
    """

    entity: Any
    before: dict[str, list[str]]

    @property
    def value(self) -> int:
        """What the last step comes to."""
        values: dict[str, int] = {}
        for name, taken in self.before.items():
            values[name] = 1 + sum(values[one] for one in taken)
        return values[name]


def drawn(number: int, chance: random.Random) -> Graph:
    """A small workflow, drawn by chance."""
    import marked
    from flytekit import Workflow

    workflow = Workflow(name=f"faults.seed{SEED}.run{number}")
    workflow.add_workflow_input("where", str)
    before: dict[str, list[str]] = {}
    nodes: dict[str, Any] = {}
    for name in (f"step{index}" for index in range(chance.randint(2, 5))):
        before[name] = sorted(chance.sample(sorted(nodes), chance.randint(0, len(nodes))))
        nodes[name] = workflow.add_entity(
            marked.step,
            where=workflow.inputs["where"],
            name=name,
            seconds=round(chance.uniform(0, 0.5), 2),
            after=[nodes[taken].outputs["o0"] for taken in before[name]],
        )
    workflow.add_workflow_output("o0", nodes[name].outputs["o0"], int)
    return Graph(workflow, before)


@dataclass
class Place:
    """A backend that comes back on its port, and whatever kills it and its processes."""

    data_dir: Path
    bed: Bed = field(init=False)
    pid: int = 0
    hits: list[str] = field(default_factory=list)

    def up(self) -> None:
        """Starts it."""
        running = instance.start(self.data_dir)
        self.pid = running.pid
        self.bed = getattr(self, "bed", None) or Bed(running.endpoint, self.data_dir)

    def hit(self, victim: str, run: str, away: float) -> None:
        """Kills a process if there is one of that kind; the server comes back after `away` seconds."""
        if victim == "server":
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            time.sleep(away)  # the outage
            self.up()
            self.hits.append(victim)
            return
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            for pid in self._forkservers() if victim == "forkserver" else self._of_run(run, root=victim == "driver"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.hits.append(victim)
                    return
            time.sleep(0.01)

    def _forkservers(self) -> Iterator[int]:
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended meanwhile
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == self.pid and b"zygote.py" in (process / "cmdline").read_bytes():
                    yield int(process.name)

    def _of_run(self, run: str, *, root: bool) -> Iterator[int]:
        for file in sorted((self.data_dir / "work").glob(f"*/*/{run}/*/*/pid.json"), reverse=True):
            if (file.parts[-3] == "a0") == root and not file.with_name("exit.json").exists():
                yield int(json.loads(file.read_text())["pid"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A backend whose tasks find `code/`."""
    monkeypatch.syspath_prepend(str(CODE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), os.environ.get("PYTHONPATH", "")]))
    here = Place(tmp_path / "data")
    here.up()
    yield here
    instance.stop(here.data_dir)


def violations(graph: Graph, done: Done, where: Path, hits: list[str]) -> list[str]:
    """What was acknowledged and is not so."""
    if done.phase != "SUCCEEDED":
        return [f"{done.run} is {done.phase}: {done.error}"]
    found = [] if done.value == graph.value else [f"{done.run} came to {done.value}, not {graph.value}"]
    again = sum(victim in {"task", "forkserver"} for victim in hits)
    for name in graph.before:
        ended = (where / name).read_text().splitlines().count("ended") if (where / name).exists() else 0
        if not 1 <= ended <= 1 + again:
            found.append(f"{done.run}: the body of {name} has ended {ended} times, with {hits}")
    return found


def test_nothing_acknowledged_is_lost(place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Up to three kills for each run, at random, and every run ends as if there had been none."""
    chance = random.Random(SEED)
    found: list[str] = []
    victims = cycle(VICTIMS)  # each as often as the others, in few runs, too
    for number in range(RUNS):
        graph = drawn(number, chance)
        where = tmp_path / f"run{number}"
        where.mkdir()
        kills = [(chance.uniform(0, 2), next(victims), chance.uniform(0, 2)) for _ in range(chance.randint(1, 3))]
        run = place.bed.start(graph.entity, where=str(where))
        before = len(place.hits)

        def kill(run: str = run, kills: list[tuple[float, str, float]] = kills) -> None:
            for pause, victim, away in kills:
                time.sleep(pause)  # a point of the run, by chance
                place.hit(victim, run, away)

        killer = threading.Thread(target=kill)
        killer.start()
        killer.join()
        found += violations(graph, place.bed.done(graph.entity, run), where, place.hits[before:])
    with capsys.disabled():
        counts = ", ".join(f"{place.hits.count(victim)} of the {victim}" for victim in VICTIMS)
        print(f"\nfaults: {RUNS} runs, {len(place.hits)} kills ({counts}), {len(found)} violations, seed {SEED}")
    assert found == []
