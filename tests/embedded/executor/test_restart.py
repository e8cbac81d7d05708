"""A new server finds what an old one started: nothing is lost, nothing runs twice."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import flyte_bridge
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.executor import AttemptEnding
from flyte_bridge.embedded.executor.result import LOST, SERVER_STOPPED, STOPPED

SERVER = """
import asyncio, pickle, sys
from pathlib import Path
from flyte_bridge.embedded.executor import Executor, ExecutorOptions
from flyte_bridge.embedded.objects import ObjectStore

async def main():
    root = Path(sys.argv[1])
    job, env = pickle.loads((root / "job.pickle").read_bytes())
    executor = Executor(ObjectStore(root / "objects"), root / "logs", ExecutorOptions())
    await executor.start(env)
    await executor.run(job, lambda event: None)

asyncio.run(main())
"""
"""Runs one job as a server would; made to be killed with SIGKILL."""


def start_server(w: Any, job: Any, program: str = SERVER) -> subprocess.Popen[bytes]:
    """Run a job in another process."""
    (w.root / "job.pickle").write_bytes(pickle.dumps((job, w.env)))
    path = os.pathsep.join([str(Path(flyte_bridge.__file__).parents[1]), os.environ["PYTHONPATH"]])
    return subprocess.Popen([sys.executable, "-c", program, str(w.root)], env={**os.environ, "PYTHONPATH": path})


async def killed_server(w: Any, job: Any, mark: Path, program: str = SERVER) -> None:
    """Have a server start the job, and kill it with SIGKILL when the task has begun."""
    server = await asyncio.to_thread(start_server, w, job, program)
    try:
        await w.until(mark.exists, 40)
    finally:
        server.kill()
        server.wait()


def begun(mark: Path) -> int:
    """How often the task began."""
    return len(mark.read_text().splitlines())


def test_a_running_process_is_taken_over(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """Its end, exit code and outputs are seen by the new server, though it is nobody's child any more."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=4.0, mark=str(mark))
            await killed_server(w, job, mark)
            outcome = await w.run(job)
            assert outcome.ending is AttemptEnding.SUCCEEDED
            assert outcome.exit_code == 0
            assert w.outputs(outcome) == 1
            assert [(event.phase, event.reattached) for event in w.events] == [(Phase.RUNNING, True)]
            assert w.events[0].at == outcome.started_at
            assert begun(mark) == 1

    asyncio.run(main())


def test_a_finished_process_is_picked_up(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """What ended while no server was there is not run again."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=1.0, mark=str(mark))
            await killed_server(w, job, mark)
            await w.until((job.work_dir / "exit.json").exists)
            for _ in range(2):  # a server that dies before it has recorded the outcome asks again
                outcome = await w.run(job)
                assert w.outputs(outcome) == 1
                assert outcome.exit_code == 0
            assert w.events == []
            assert begun(mark) == 1

    asyncio.run(main())


def test_a_lost_process_is_a_system_failure(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """The process and its forkserver were killed too: no result, no exit code, worth another attempt."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=60.0, mark=str(mark))
            await killed_server(w, job, mark)
            pid = int(mark.read_text())
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            os.kill(parent, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)
            outcome = await w.run(job)
            assert outcome.ending is AttemptEnding.FAILED
            assert (outcome.failure.code, outcome.failure.system, outcome.failure.recoverable) == (LOST, True, True)
            assert outcome.exit_code is None
            assert begun(mark) == 1

    asyncio.run(main())


def test_a_killed_process_is_a_system_failure(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """SIGKILL from outside is not the task's fault; the forkserver has seen it."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=60.0, mark=str(mark))
            await killed_server(w, job, mark)
            os.kill(int(mark.read_text()), signal.SIGKILL)
            outcome = await w.run(job)
            assert (outcome.failure.code, outcome.failure.system, outcome.exit_code) == (STOPPED, True, 137)

    asyncio.run(main())


def test_a_process_that_was_taken_over_can_be_killed(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """Abort after a restart."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=60.0, mark=str(mark))
            await killed_server(w, job, mark)
            running = asyncio.ensure_future(w.run(job))
            await w.until(lambda: len(w.events) == 1)
            assert await w.executor.kill(job.key)
            assert (await running).ending is AttemptEnding.ABORTED

    asyncio.run(main())


def test_the_timeout_goes_on_through_a_restart(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """It is counted from the start of the process, which was before this server."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=60.0, mark=str(mark))
            await killed_server(w, job, mark)
            await asyncio.sleep(1)
            outcome = await w.run(job, timeout=timedelta(seconds=1))
            assert outcome.ending is AttemptEnding.TIMED_OUT
            assert (outcome.ended_at - outcome.started_at) / 1e6 < 30  # and not the 60 it sleeps
            assert w.events[0].reattached

    asyncio.run(main())


def test_a_stopped_server_says_so_to_the_next(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """`down` ends the process; the next server answers a system failure instead of blaming the task."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=60.0, mark=str(mark))
            running = asyncio.ensure_future(w.run(job))
            await w.until(mark.exists)
            await w.executor.stop()
            with pytest.raises(asyncio.CancelledError):
                await running
            await w.again()
            outcome = await w.run(job)
            said = (outcome.failure.code, outcome.failure.system, outcome.failure.recoverable)
            assert said == (SERVER_STOPPED, True, True)
            assert "stopped" in outcome.failure.message
            assert begun(mark) == 1

    asyncio.run(main())


def test_a_server_can_leave_its_processes_to_the_next(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """`stop(kill=False)`: the process goes on and is taken over."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=3.0, mark=str(mark))
            running = asyncio.ensure_future(w.run(job))
            await w.until(mark.exists)
            await w.executor.stop(kill=False)
            with pytest.raises(asyncio.CancelledError):
                await running
            await w.again()
            assert w.outputs(await w.run(job)) == 1
            assert begun(mark) == 1

    asyncio.run(main())


def test_two_servers_that_start_the_same_attempt_run_it_once(
    world: Any, tmp_path: Path, no_processes_left: None
) -> None:
    """The process itself takes the attempt; the loser of the race watches the winner."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            job = w.job("sleeps", seconds=2.0, mark=str(mark))
            first = w.executor
            second = await w.again()
            try:
                outcomes = await asyncio.gather(first.run(job, w.events.append), second.run(job, w.events.append))
            finally:
                await first.stop()
            assert [w.outputs(outcome) for outcome in outcomes] == [1, 1]
            assert begun(mark) == 1

    asyncio.run(main())


def test_an_ephemeral_server_takes_its_processes_along(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """Killed with SIGKILL, it leaves nothing running: the forkserver notices that it is gone."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world() as w:
            job = w.job("sleeps", seconds=60.0, mark=str(mark))
            program = SERVER.replace("ExecutorOptions()", "ExecutorOptions(ephemeral=True)")
            await killed_server(w, job, mark, program)
            pid = int(mark.read_text())
            await w.until(lambda: not Path(f"/proc/{pid}").exists())

    asyncio.run(main())


def test_a_process_that_its_run_was_cancelled_on_ends_with_the_server(
    world: Any, tmp_path: Path, no_processes_left: None
) -> None:
    """Whoever cancels `run` first and stops the executor then leaves no process behind."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(ephemeral=False) as w:
            running = asyncio.ensure_future(w.run(w.job("sleeps", seconds=60.0, mark=str(mark))))
            await w.until(mark.exists)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            pid = int(mark.read_text())
            assert Path(f"/proc/{pid}").exists()
            await w.executor.stop()
            assert not Path(f"/proc/{pid}").exists()

    asyncio.run(main())
