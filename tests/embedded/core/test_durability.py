"""`kill -9` of the server at any moment, then up again: nothing is lost, nothing runs twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import pytest
from flyteidl2.workflow import run_service_pb2

import admitted
from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.ledger import Ledger
from flyte_bridge.embedded.store import Store
from flyte_bridge.embedded.watch import Hub
from flyte_bridge.embedded_client import access, instance

from .client import DOMAIN, PROJECT, Client, python_spec, run_id, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Server:
    """A server process on a directory, and a client of whichever one runs."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.port: int | None = None

    def up(self) -> None:
        """Starts it, on the port it had before."""
        running = instance.start(self.data_dir, self.port)
        self.port, self.pid = running.port, running.pid

    def kill(self) -> None:
        """Kills it without a chance to say goodbye."""
        os.kill(self.pid, signal.SIGKILL)
        while _alive(self.pid):
            time.sleep(0.01)

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Stubs on it."""
        with admitted.channel(f"127.0.0.1:{self.port}", access.read(self.data_dir)) as channel:
            yield Client(channel)


def _alive(pid: int) -> bool:
    try:
        os.waitpid(pid, os.WNOHANG)  # it is our child, and a zombie until somebody looks
        os.kill(pid, 0)
    except (ChildProcessError, ProcessLookupError):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    return True


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server, up."""
    one = Server(tmp_path / "data")
    one.up()
    yield one
    instance.stop(one.data_dir)


def marking(mark: Path, seconds: float) -> str:
    """Code that says it runs, works for a while, and says it is done."""
    return (
        "import os, time\n"
        f"open({str(mark)!r}, 'a').write(f'begin {{os.getpid()}}\\n')\n"
        f"time.sleep({seconds})\n"
        f"open({str(mark)!r}, 'a').write('end\\n')\n"
    )


def lines(mark: Path) -> list[str]:
    """What the code said, without process ids."""
    return [line.split()[0] for line in mark.read_text().splitlines()] if mark.exists() else []


def ended(mark: Path) -> None:
    """Waits until the process that said it runs is gone, without having said it is done."""
    pid = int(mark.read_text().split()[1])
    ends = time.monotonic() + 30
    while _alive(pid):
        assert time.monotonic() < ends, f"process {pid} runs on"
        time.sleep(0.05)
    assert lines(mark) == ["begin"]


def until(mark: Path, *expected: str) -> None:
    """Waits until the code has said so."""
    ends = time.monotonic() + 20
    while lines(mark) != list(expected):
        assert time.monotonic() < ends, lines(mark)
        time.sleep(0.02)


def test_a_running_process_is_taken_over(server: Server, tmp_path: Path) -> None:
    """A process that runs on through the restart is one attempt, run once, and its end is recorded."""
    mark = tmp_path / "mark"
    with server.client() as client:
        client.create(python_spec(marking(mark, 2)), "r1")
        until(mark, "begin")
    server.kill()
    server.up()
    with server.client() as client:
        details = client.wait("r1")
    assert details.status.phase == Phase.SUCCEEDED
    assert details.status.attempts == 1
    assert lines(mark) == ["begin", "end"]


def test_a_backend_may_be_stopped_as_often_as_one_likes(server: Server, tmp_path: Path) -> None:
    """`down` ends what runs, and each `up` begins another attempt: neither retries nor the system's failures are used up."""
    mark, go = tmp_path / "mark", tmp_path / "go"
    code = f"{marking(mark, 0)}\nimport os.path\nwhile not os.path.exists({str(go)!r}): time.sleep(0.05)\n"
    with server.client() as client:
        client.create(python_spec(code), "r1")
    begun = ("begin", "end")
    for number in range(1, 6):
        until(mark, *begun * number)
        instance.stop(server.data_dir)
        server.up()
    until(mark, *begun * 6)
    go.touch()
    with server.client() as client:
        details = client.wait("r1")
    assert details.status.phase == Phase.SUCCEEDED
    assert details.status.attempts == 6
    assert {one.error_info.code for one in details.attempts[:-1]} == {"BackendStopped"}


def test_a_process_that_ended_meanwhile_is_not_run_again(server: Server, tmp_path: Path) -> None:
    """What finished while no server was there is read from what it left."""
    mark = tmp_path / "mark"
    with server.client() as client:
        client.create(python_spec(marking(mark, 0.5)), "r1")
        until(mark, "begin")
    server.kill()
    until(mark, "begin", "end")
    time.sleep(0.3)
    server.up()
    with server.client() as client:
        details = client.wait("r1")
    assert details.status.phase == Phase.SUCCEEDED
    assert (details.status.attempts, lines(mark)) == (1, ["begin", "end"])


def test_a_process_lost_with_the_server_is_a_system_failure(server: Server, tmp_path: Path) -> None:
    """Killed together with the server, an attempt is retried although the task allows no retries."""
    mark = tmp_path / "mark"
    with server.client() as client:
        client.create(python_spec(marking(mark, 2)), "r1")
        until(mark, "begin")
    server.kill()
    os.kill(int(mark.read_text().split()[1]), signal.SIGKILL)
    server.up()
    with server.client() as client:
        details = client.wait("r1")
    assert details.status.phase == Phase.SUCCEEDED
    assert [Phase(attempt.phase) for attempt in details.attempts] == [Phase.FAILED, Phase.SUCCEEDED]
    assert lines(mark) == ["begin", "begin", "end"]


def test_an_abort_survives(server: Server, tmp_path: Path) -> None:
    """An aborted run stays aborted, and nothing of it runs on after the restart."""
    mark = tmp_path / "mark"
    with server.client() as client:
        client.create(python_spec(marking(mark, 60)), "r1")
        until(mark, "begin")
        client.abort("r1")
    server.kill()
    server.up()
    ended(mark)
    with server.client() as client:
        assert client.phase("r1") is Phase.ABORTED


def test_open_conditions_and_sleeps_go_on(server: Server) -> None:
    """A condition waits on, with the time it had left, and can be answered; a sleep does not begin anew."""
    with server.client() as client:
        client.sleeping(12, "r1")
        client.condition("r1", "c1")
        client.condition("r1", "c2", seconds=9)
        time.sleep(2)
    server.kill()
    server.up()
    with server.client() as client:
        assert client.phase("r1", "c1") is Phase.PAUSED
        client.signal("r1", "c1", bool_value=True)
        timed_out = client.wait("r1", "c2")
        assert timed_out.status.phase == Phase.TIMED_OUT
        assert timed_out.status.duration_ms < 11_000
        slept = client.wait("r1")
        assert slept.status.phase == Phase.SUCCEEDED
        assert slept.status.duration_ms < 14_000
        assert client.phase("r1", "c1") is Phase.SUCCEEDED


def test_no_answered_call_is_lost(server: Server) -> None:
    """Killed in the middle of a storm of new runs: each that was answered is there, whole, and ends."""
    made: list[str] = []

    def storm(number: int) -> None:
        with server.client() as client:
            for n in range(10_000):
                name = f"s{number}-{n}"
                request = run_service_pb2.CreateRunRequest(
                    task_spec=sleep_spec(), run_id=run_id(name), inputs=sleep_inputs(0.05)
                )
                try:
                    client.runs.CreateRun(request)
                except grpc.RpcError:
                    return
                made.append(name)

    threads = [threading.Thread(target=storm, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while len(made) < 60:
        time.sleep(0.01)
    server.kill()
    for thread in threads:
        thread.join(30)
    server.up()
    with server.client() as client:
        for name in made:
            details = client.wait(name)
            assert details.status.phase == Phase.SUCCEEDED
            assert details.status.attempts == 1
        there = client.list_runs(limit=200)
        assert len(there) == len(set(there))
        assert set(made) <= set(there)


def test_what_an_abort_had_no_time_to_kill_is_ended(server: Server, tmp_path: Path) -> None:
    """Killed between writing an abort and killing its process, the server ends the process when it is up again."""
    mark = tmp_path / "mark"
    with server.client() as client:
        client.create(python_spec(marking(mark, 60)), "r1")
        until(mark, "begin")
    server.kill()
    store = Store(server.data_dir / "flyte.db")
    Ledger(store, Hub()).change(ActionKey(PROJECT, DOMAIN, "r1", "a0"), StatusChange(Phase.ABORTED))
    store.close()
    server.up()
    with server.client() as client:
        (attempt,) = client.details("r1").attempts
        assert attempt.phase == Phase.ABORTED
    ended(mark)


_NESTED = """
import asyncio, pathlib, sys

import flyte

env = flyte.TaskEnvironment(name="nested")

@env.task
async def leaf(x: int) -> int:
    with open(MARK, "a") as mark:
        mark.write(f"{x}\\n")
    await asyncio.sleep(0.5)
    return x

@env.task
async def main(n: int) -> int:
    return sum(await asyncio.gather(*(leaf(x) for x in range(n))))

if __name__ == "__main__":
    flyte.init(
        endpoint=sys.argv[1], insecure=True, org="local", project=sys.argv[2], domain=sys.argv[3],
        root_dir=pathlib.Path(__file__).parent.absolute(),
    )
    print(flyte.run(main, n=6).name, flush=True)
"""


def test_a_nested_run_of_the_sdk_survives_killing_after_killing(server: Server, tmp_path: Path) -> None:
    """A parent and its children live on while the server is killed three times; every child runs exactly once."""
    mark, home = tmp_path / "mark", tmp_path / "home"
    home.mkdir()
    program = tmp_path / "code" / "nested.py"
    program.parent.mkdir()
    program.write_text(f"MARK = {str(mark)!r}\n{_NESTED}")
    environment = {**os.environ, "HOME": str(home), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}
    command = [
        sys.executable,
        str(program),
        f"127.0.0.1:{server.port}/{access.read(server.data_dir).segment}",
        PROJECT,
        DOMAIN,
    ]
    started = subprocess.run(
        command, env=environment, cwd=program.parent, capture_output=True, text=True, timeout=60, check=True
    )
    run = started.stdout.split()[-1]
    for _ in range(3):
        time.sleep(1)
        server.kill()
        server.up()
    with server.client() as client:
        details = client.wait(run, timeout=90)
        assert details.status.phase == Phase.SUCCEEDED, details.error_info.message
        assert details.status.attempts == 1
        names = client.list_actions(run)
        assert len(names) == 7
        assert all(client.phase(run, name) is Phase.SUCCEEDED for name in names)
    assert sorted(mark.read_text().split()) == [str(number) for number in range(6)]
