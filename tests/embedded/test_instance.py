"""One embedded backend per data directory: started, found, stopped, and never two."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING

import pytest

import admitted
from flyte_bridge import config
from flyte_bridge.embedded_client import instance
from flyte_bridge.errors import DirectoryInUse, PortInUse, StoreError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory; what runs on it is stopped afterwards."""
    where = tmp_path / "data"
    yield where
    instance.stop(where, timeout=5)


def answers(running: instance.Instance) -> bool:
    """Whether an RPC is answered."""
    connection = http.client.HTTPConnection(instance.HOST, running.port, timeout=5)
    connection.request(
        "POST",
        "/flyteidl2.project.ProjectService/ListProjects",
        body=b"{}",
        headers={"content-type": "application/json", **admitted.headers(running.access)},
    )
    ok = connection.getresponse().status == 200
    connection.close()
    return ok


def test_a_directory_nobody_serves_has_no_instance(data_dir: Path) -> None:
    """Looking makes nothing, and stopping nothing is no error."""
    assert instance.find(data_dir) is None
    assert instance.stop(data_dir) is None
    assert not data_dir.exists()


def test_start_find_stop(data_dir: Path) -> None:
    """What is started answers at once, is found by its directory, and is gone when it is stopped."""
    running = instance.start(data_dir)
    assert answers(running)
    assert instance.find(data_dir) == running
    assert data_dir.stat().st_mode & 0o077 == 0
    assert instance.stop(data_dir) == running
    assert instance.find(data_dir) is None
    with pytest.raises(ConnectionRefusedError):
        answers(running)


def test_a_restart_keeps_the_port(data_dir: Path) -> None:
    """Client configurations stay valid: the directory's port is used again, after a stop and after a kill."""
    first = instance.start(data_dir)
    instance.stop(data_dir)
    second = instance.start(data_dir)
    os.kill(second.pid, signal.SIGKILL)
    os.waitpid(second.pid, 0)
    third = instance.start(data_dir)
    assert first.port == second.port == third.port


def test_a_killed_server_leaves_nothing_to_clean_up(data_dir: Path) -> None:
    """After SIGKILL the stale lock and description are no hindrance: nothing runs, and a start succeeds."""
    killed = instance.start(data_dir)
    os.kill(killed.pid, signal.SIGKILL)
    os.waitpid(killed.pid, 0)
    assert (data_dir / "server.json").exists()
    assert instance.find(data_dir) is None
    assert answers(instance.ensure(data_dir))


def test_a_lock_that_outlives_its_holder_is_waited_for(data_dir: Path) -> None:
    """A server that is killed while it starts a process leaves its lock with that one, until it executes its program."""
    data_dir.mkdir(mode=0o700)
    program = (
        "import fcntl, os, sys\n"
        "lock = open(sys.argv[1], 'w')\n"
        "fcntl.flock(lock, fcntl.LOCK_EX)\n"
        "lock.write(str(os.getpid()))\n"
        "lock.flush()\n"
        "if os.fork() == 0:\n"
        "    sys.stdin.read()\n"  # it has the lock until the pipe is closed
    )
    with subprocess.Popen([sys.executable, "-c", program, str(data_dir / "lock")], stdin=subprocess.PIPE) as dead:
        assert dead.stdin is not None
        assert os.waitpid(dead.pid, 0)[1] == 0
        dead.returncode = 0
        with ThreadPoolExecutor() as threads:
            looking = threads.submit(instance.find, data_dir)
            with pytest.raises(FutureTimeout):
                looking.result(0.5)
            dead.stdin.close()
            assert looking.result(30) is None
    assert answers(instance.start(data_dir))


def test_a_stale_description_of_a_living_stranger_is_not_believed(data_dir: Path) -> None:
    """A process number that somebody else has by now is not taken for the server, and not killed."""
    data_dir.mkdir()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        (data_dir / "lock").write_text(str(stranger.pid))
        told = {"pid": stranger.pid, "port": 1, "data_dir": str(data_dir), "started_at": "", "version": ""}
        (data_dir / "server.json").write_text(json.dumps(told))
        assert instance.find(data_dir) is None
        assert instance.stop(data_dir) is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_two_servers_on_one_directory_are_refused(data_dir: Path) -> None:
    """The second is told which one runs and how to stop it; the first is not disturbed."""
    running = instance.start(data_dir)
    with pytest.raises(DirectoryInUse) as refused:
        instance.start(data_dir)
    assert f"process {running.pid}" in str(refused.value)
    assert running.url in str(refused.value)
    assert "flyte-bridge down" in str(refused.value)
    assert answers(running)


def test_a_port_in_use_is_refused(data_dir: Path) -> None:
    """The message names the port and the ways out."""
    with socket.create_server((instance.HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"port {port} on 127\.0\.0\.1 cannot be used: another process listens"):
            instance.start(data_dir, port)
    assert instance.find(data_dir) is None


def test_a_last_port_that_is_taken_is_replaced(data_dir: Path) -> None:
    """Without a port asked for, a taken one does not keep the backend from starting."""
    first = instance.start(data_dir)
    instance.stop(data_dir)
    with socket.create_server((instance.HOST, first.port)):
        second = instance.start(data_dir)
        assert second.port != first.port
        assert answers(second)


def test_clients_that_start_it_at_the_same_time_get_the_same_one(data_dir: Path) -> None:
    """On-demand starts race without harm: one server, and all callers get it."""
    found: list[instance.Instance] = []
    threads = [threading.Thread(target=lambda: found.append(instance.ensure(data_dir))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file in the way is said by its path."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file/data: cannot be made"):
        instance.start(tmp_path / "file" / "data")


def test_a_damaged_database_is_refused_and_left_alone(data_dir: Path) -> None:
    """The store's own words reach the caller of `start`, and the file is not touched."""
    data_dir.mkdir()
    damaged = b"this is no database" * 1000
    (data_dir / "flyte.db").write_bytes(damaged)
    with pytest.raises(StoreError, match=r"flyte\.db"):
        instance.start(data_dir)
    assert (data_dir / "flyte.db").read_bytes() == damaged


def test_a_holder_that_does_not_become_ready_is_told_of(data_dir: Path) -> None:
    """A process that holds the directory but says nothing is named, instead of waited for without end."""
    with instance.hold(data_dir), pytest.raises(Unavailable, match=f"process {os.getpid()} holds the directory"):
        instance.find(data_dir, timeout=0.1)


def test_it_is_ready_in_under_a_second(data_dir: Path) -> None:
    """The issue's promise, by the best of three; a machine so busy that Python itself starts slowly is allowed for."""

    def plain() -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        return time.perf_counter() - began

    took, allowed = [], 1.0
    for _ in range(3):
        allowed = max(allowed, 30 * plain())
        began = time.perf_counter()
        instance.start(data_dir)
        took.append(time.perf_counter() - began)
        instance.stop(data_dir)
    assert min(took) < allowed, took


def test_a_client_without_endpoint_gets_the_embedded_backend(data_dir: Path) -> None:
    """Settings without an endpoint start the directory's backend on demand; with one, nothing is started."""
    other = config.load(endpoint="flyte.example.com:443", data_dir=data_dir)
    assert instance.endpoint_of(other) == "flyte.example.com:443"
    assert instance.find(data_dir) is None
    ours = config.load(data_dir=data_dir)
    endpoint = instance.endpoint_of(ours)
    running = instance.find(data_dir)
    assert running is not None
    assert endpoint == running.endpoint == instance.endpoint_of(ours)


def test_it_survives_the_terminal_that_started_it(data_dir: Path) -> None:
    """The backend has a session of its own, so that Ctrl-C where it was started does not end it."""
    running = instance.start(data_dir)
    assert os.getsid(running.pid) == running.pid
    assert os.getsid(running.pid) != os.getsid(0)
