"""The driver killed at every event of a run, the server too: nothing is lost, nothing runs twice."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import marks
from flyteidl2.common import identifier_pb2, phase_pb2

from driver.bed import Bed, run_identifier
from driver.conftest import start
from flyte_bridge.embedded_client import instance

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge.backend.client import BackendClient

STEP = 13
"""One run is killed at every so-manieth event; three system failures are all that an action may have."""


async def _disturb(bed: Bed, backend: BackendClient, run: str, kills: set[int]) -> int:
    """Answer a run's gate, and kill its driver at some of its events; how many events there were."""
    seen: dict[str, int] = {}
    count = 0
    async for message in backend.watch_actions(run_id=run_identifier(run)):
        for enhanced in message.enriched_actions:
            action = enhanced.action
            if seen.get(action.id.name) == action.status.phase:
                continue
            seen[action.id.name] = action.status.phase
            if action.id.name != "a0":
                count += 1
                if count in kills:
                    bed.kill_driver(run)
            if action.status.phase == phase_pb2.ACTION_PHASE_PAUSED:
                action_id = identifier_pb2.ActionIdentifier(run=run_identifier(run), name=action.id.name)
                await backend.signal_event(action_id=action_id, value=True)
    return count


def _marks(where: Path) -> dict[str, int]:
    return {file.name: len(file.read_text().splitlines()) for file in where.iterdir()}


def _start(bed: Bed, workflow: Any, where: Path) -> str:
    where.mkdir()
    return bed.start(workflow, where=str(where))


def test_killed_at_every_event_nothing_is_lost_and_nothing_runs_twice(bed: Bed, tmp_path: Path) -> None:
    """Whenever the driver dies, its next attempt finds every node, child run and answer where it was."""
    workflow = marks.representative
    calm = _start(bed, workflow, tmp_path / "calm")
    events = bed.do(lambda backend: _disturb(bed, backend, calm, set()))
    expected = bed.done(workflow, calm)
    assert expected.phase == "SUCCEEDED", expected.error
    assert set(_marks(tmp_path / "calm").values()) == {1}
    assert events >= STEP

    runs = [_start(bed, workflow, tmp_path / f"run-{first}") for first in range(STEP)]
    kills = [set(range(first + 1, events + 1, STEP)) for first in range(STEP)]

    async def disturb(backend: BackendClient) -> None:
        await asyncio.gather(*(_disturb(bed, backend, run, at) for run, at in zip(runs, kills, strict=True)))

    bed.do(disturb)
    attempts = 0
    for first, run in enumerate(runs):
        done = bed.done(workflow, run)
        assert done.outputs == expected.outputs, (first, done.error)
        assert done.phases() == expected.phases()
        assert _marks(tmp_path / f"run-{first}") == _marks(tmp_path / "calm")
        attempts += done.details.status.attempts - 1
    assert attempts >= STEP  # the kills have hit


def test_a_failure_found_again_is_the_same_failure(bed: Bed, tmp_path: Path) -> None:
    """Killed after the failure and its aborts, the driver reports the node that failed, not one that was aborted."""
    calm = _start(bed, marks.failing, tmp_path / "calm")
    events = bed.do(lambda backend: _disturb(bed, backend, calm, set()))
    expected = bed.done(marks.failing, calm)
    runs = [_start(bed, marks.failing, tmp_path / f"run-{at}") for at in range(events)]

    async def disturb(backend: BackendClient) -> None:
        await asyncio.gather(*(_disturb(bed, backend, run, {at + 1}) for at, run in enumerate(runs)))

    bed.do(disturb)
    for at, run in enumerate(runs):
        done = bed.done(marks.failing, run)
        assert done.error == expected.error
        told = _marks(tmp_path / f"run-{at}")
        assert told["fail"] == told["tidy"] == 1


def test_the_server_killed_again_and_again(tmp_path: Path) -> None:
    """A run outlives its server: started again on its directory, it and the driver go on where they were."""
    place = Place(tmp_path / "data")
    place.up()
    try:
        bed = place.bed
        where = tmp_path / "marks"
        run = _start(bed, marks.representative, where)
        for wanted in (3, 12, 20):
            bed.do(lambda backend, wanted=wanted: _reach(backend, run, wanted))
            place.kill()
            place.up()
        bed.do(lambda backend: _disturb(bed, backend, run, set()))
        done = bed.done(marks.representative, run)
        assert done.phase == "SUCCEEDED", done.error
        assert done.outputs == {"o0": 7 + 3 + 200 + 1000, "o1": 7}
        assert set(_marks(where).values()) == {1}
    finally:
        place.down()


class Place:
    """A server of its own, that comes back on the port it had."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._port: int | None = None

    def up(self) -> None:
        """Start it."""
        running = start(self._data_dir, self._port)
        self._port, self._pid = running.port, running.pid
        self.bed = getattr(self, "bed", None) or Bed(running.endpoint, self._data_dir)

    def kill(self) -> None:
        """Kill it without a chance to say goodbye."""
        os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def down(self) -> None:
        """Stop it."""
        instance.stop(self._data_dir)


async def _reach(backend: BackendClient, run: str, wanted: int) -> None:
    """Wait for the so-manieth event of a run, answering its gate."""
    count = 0
    async for message in backend.watch_actions(run_id=run_identifier(run)):
        for enriched in message.enriched_actions:
            count += 1
            if enriched.action.status.phase == phase_pb2.ACTION_PHASE_PAUSED:
                action_id = identifier_pb2.ActionIdentifier(run=run_identifier(run), name=enriched.action.id.name)
                await backend.signal_event(action_id=action_id, value=True)
        if count >= wanted:
            return
