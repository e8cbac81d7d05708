"""A backend that is away costs no run, no retry and no second run of a body that has ended (issue 12, C)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from flyteidl2.common import identifier_pb2, phase_pb2

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from driver.bed import Bed, run_identifier
from flyte_bridge.embedded_client import instance, snippets
from modes import FULL

from .conftest import CODE, user_environment
from .test_a_open_door import FLYTE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flyte_bridge.backend.client import BackendClient

T = TypeVar("T")

OUTAGES = (5, 20, 60, 300) if FULL else (20,)
"""Seconds. botocore as flytekit has it gave up after 17."""

PATIENCE = 120
"""Seconds for anything of this test to come about; it is waited for by its event."""

SDK_TASK = """
    import flyte

    env = flyte.TaskEnvironment(name="outage")

    @env.task
    async def main(where: str) -> str:
        with open(where, "a") as mark:
            mark.write("begun\\n")
        return "done"
"""


class Place:
    """A backend that is killed and started again on its port, and what runs on it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.work = data_dir / "work" / "flytesnacks" / "development"
        self.stopped: list[int] = []

    def up(self) -> None:
        """Starts it."""
        self.running = instance.start(self.data_dir)
        self.bed = Bed(self.running.endpoint, self.data_dir)

    def kill(self) -> None:
        """Kills it without a chance to say goodbye."""
        os.kill(self.running.pid, signal.SIGKILL)
        os.waitpid(self.running.pid, 0)

    def stop_process(self, runs: Callable[[str], bool], *, of_root: bool) -> str:
        """Has a process stand still as soon as there is one.

        Args:
            runs: Whether a run of this name is meant.
            of_root: Whether its root's is meant, or a child's.

        Returns:
            The run's name.
        """

        def found() -> Path | None:
            for file in self.work.glob("*/*/1/pid.json"):
                run, action = file.parts[-4:-2]
                if runs(run) and (action == "a0") == of_root:
                    return file
            return None

        file = _awaited(found)
        pid = int(json.loads(file.read_text())["pid"])  # written whole
        os.kill(pid, signal.SIGSTOP)
        self.stopped.append(pid)
        return file.parts[-4]

    def go_on(self) -> None:
        """Has those processes go on."""
        while self.stopped:
            os.kill(self.stopped.pop(), signal.SIGCONT)


def _awaited(question: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE
    while (answer := question()) is None:
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.002)
    return answer


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Where this test's runs are, with room for all of them."""
    monkeypatch.syspath_prepend(str(CODE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_CPUS", "16")
    here = Place(tmp_path / "data")
    here.up()
    yield here
    here.go_on()
    instance.stop(here.data_dir)


@pytest.mark.parametrize("seconds", OUTAGES)
def test_an_outage_costs_nothing(place: Place, seconds: int, tmp_path: Path) -> None:
    """Killed while one run's driver is about to enqueue, others' tasks are about to read their code or inputs, are in their
    body, or are about to upload what it came to, and away for a while: each succeeds, and each body has run once."""
    import outages

    def start(name: str, until: str = "") -> str:
        return place.bed.start(outages.one, where=str(tmp_path), mark=name, until=until)

    runs = {name: start(name, until) for name, until in (("body", "back"), ("upload", "away"))}
    for name in runs:
        _awaited(lambda name=name: (tmp_path / name).exists() or None)
    runs["inputs"] = start("inputs")
    place.stop_process(runs["inputs"].__eq__, of_root=False)
    runs["enqueue"] = start("enqueue")
    place.stop_process(runs["enqueue"].__eq__, of_root=True)
    code = _flyte_run(place, tmp_path, known=set(runs.values()))

    place.kill()
    (tmp_path / "away").touch()
    place.go_on()
    time.sleep(seconds)  # the outage itself
    place.up()
    (tmp_path / "back").touch()

    for name in ("body", "upload", "inputs", "enqueue"):
        done = place.bed.done(outages.one, runs[name])
        assert done.phase == "SUCCEEDED", (name, done.error)
        assert done.value == name
    assert place.bed.do(lambda backend: _end(backend, code)) == phase_pb2.ACTION_PHASE_SUCCEEDED
    for name in (*runs, "code"):
        assert (tmp_path / name).read_text() == "begun\n", name


def _flyte_run(place: Place, where: Path, known: set[str]) -> str:
    """Starts a task of the Flyte 2 SDK's, whose code comes from the store, and has it stand still; its run."""
    (where / "outage.py").write_text(textwrap.dedent(SDK_TASK))
    command = [*FLYTE, "run", "outage.py", "main", "--where", str(where / "code")]
    env = {**user_environment(where), **snippets.flyte_environment(place.running)}
    with subprocess.Popen(command, cwd=where, env=env, stdout=subprocess.DEVNULL) as process:
        run = place.stop_process(lambda name: name not in known, of_root=True)
        assert process.wait(PATIENCE) == 0
    return run


async def _end(backend: BackendClient, run: str) -> int:
    root = identifier_pb2.ActionIdentifier(run=run_identifier(run), name="a0")
    phase = 0
    async for details in backend.watch_action(action_id=root):
        phase = details.status.phase
    return phase
