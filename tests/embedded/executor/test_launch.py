"""How a process is started: forked from the right forkserver, or plain; on the right interpreter; with room."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import sysconfig
import venv
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from flyte_bridge import config
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.executor import AttemptEnding, ExecutorOptions, Room
from flyte_bridge.embedded.executor.interpreters import Interpreters
from flyte_bridge.embedded_client import instance
from flyte_bridge.embedded_client.room import whole_machine
from flyte_bridge.errors import ConfigError


def command_line(pid: str) -> list[str]:
    """What a process was started as."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


@pytest.mark.parametrize(
    ("task", "flavour", "command"), [("modules", "flytekit", "pyflyte-execute"), ("v2.modules", "flyte", "a0")]
)
def test_each_sdk_has_its_own_forkserver(world: Any, task: str, flavour: str, command: str) -> None:
    """A task never sees the other SDK, nor flyte-bridge; its main module and arguments are the console script's."""

    async def main() -> None:
        async with world() as w:
            seen = w.outputs(await w.run(w.job(task, "n0")))
            other = "flyte" if flavour == "flytekit" else "flytekit"
            assert (seen[flavour], seen[other], seen["ours"]) == ("True", "False", "False")
            assert Path(seen["main"]).name == Path(seen["argv0"]).name == command
            zygote = command_line(seen["parent"])
            assert zygote[1].endswith("zygote.py")
            assert zygote[2] == flavour
            again = w.outputs(await w.run(w.job(task, "n1")))
            assert again["parent"] == seen["parent"]
            assert again["random"] != seen["random"]
            assert seen["tmp"] == str(w.root / "work" / "n0" / "1" / "tmp")
            assert seen.get("working", seen["tmp"]).startswith(seen["tmp"])

    asyncio.run(main())


def test_what_an_import_reads_calls_for_a_process_of_its_own(world: Any) -> None:
    """FSSPEC_* and their like are read once; the same task with other variables is forked."""

    async def main() -> None:
        async with world() as w:
            plain = w.outputs(await w.run(w.job("modules", "n0"), env={"FSSPEC_FILE": '{"auto_mkdir": true}'}))
            assert command_line(plain["parent"])[2] == "plain"
            forked = w.outputs(await w.run(w.job("modules", "n1"), env={"MINE": "1"}))
            assert command_line(forked["parent"])[2] == "flytekit"

    asyncio.run(main())


def test_a_forkserver_that_cannot_be_used_is_done_without(
    world: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Tasks run all the same, and the log says once why they are slower."""

    async def main() -> None:
        async with world() as w:
            (tmp_path / "broken" / "flyte").mkdir(parents=True)
            (tmp_path / "broken" / "flyte" / "__init__.py").write_text("raise ImportError('broken on purpose')")
            server = w.executor.launcher._server("flyte")
            server._env["PYTHONPATH"] = str(tmp_path / "broken")
            for action in ("n0", "n1"):
                assert w.outputs(await w.run(w.job("v2.double", action, x=2))) == 4
            complaints = [record for record in caplog.records if "cannot be used" in record.message]
            assert len(complaints) == 1
            assert "broken on purpose" in complaints[0].message

    asyncio.run(main())


def test_a_forkserver_that_dies_is_replaced(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """What it was running goes on and is seen to its end; the next task gets a new one."""

    async def main() -> None:
        async with world() as w:
            mark = tmp_path / "mark"
            running = asyncio.ensure_future(w.run(w.job("sleeps", "n0", seconds=2.0, mark=str(mark))))
            await w.until(mark.exists)
            os.kill(w.executor.launcher._server("flytekit").pid, 9)
            outcome = await running
            assert w.outputs(outcome) == 1
            assert outcome.exit_code is None
            assert w.outputs(await w.run(w.job("add", "n1", a=1))) == 41

    asyncio.run(main())


def test_an_image_can_stand_for_an_interpreter(world: Any, tmp_path: Path) -> None:
    """The task runs on the Python that its image is mapped to, with that environment's commands and its own path."""

    async def main() -> None:
        other = tmp_path / "venv"
        venv.create(other, symlinks=True)
        packages = next((other / "lib").glob("python*/site-packages"))
        (packages / "ours.pth").write_text(sysconfig.get_path("purelib"))
        script = other / "bin" / "pyflyte-execute"
        script.write_text(
            f"#!{other}/bin/python\nfrom flytekit.bin.entrypoint import execute_task_cmd\nexecute_task_cmd()\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        extra = tmp_path / "extra"  # what an image has of its own: the task's code
        extra.mkdir()
        (extra / "v1_tasks.py").write_text((Path(__file__).parent / "code" / "v1_tasks.py").read_text())
        images = {"example.org/flytekit": f"{other}{os.pathsep}{extra}"}
        async with world(images=images) as w:
            seen = w.outputs(await w.run(w.job("modules", "n0")))
            assert seen["prefix"] == str(other)
            assert seen["main"] == str(script)
            path = w.outputs(await w.run(w.job("environment", "n1", names=["PYTHONPATH", "PATH"])))
            assert path["PYTHONPATH"] == str(extra)
            assert path["PATH"].startswith(str(other / "bin"))

    asyncio.run(main())


@pytest.mark.parametrize(
    ("image", "python"),
    [
        ("reg/team/a:1", "exact"),
        ("reg/team/a:2", "untagged"),
        ("reg/team/a@sha256:00", "untagged"),
        ("reg/team/b:1", "team"),
        ("reg/other:1", "registry"),
        ("host:5000/x", "default"),
        ("", "default"),
    ],
)
def test_the_closest_name_of_an_image_wins(tmp_path: Path, image: str, python: str) -> None:
    """Exact, then without tag or digest, then the longest pattern, then our own."""
    names = {"reg/team/a:1": "exact", "reg/team/a": "untagged", "reg/team/*": "team", "reg/*": "registry"}
    for name in names.values():
        (tmp_path / name).symlink_to(sys.executable)
    known = Interpreters({image: str(tmp_path / name) for image, name in names.items()})
    found = known.for_image(image)
    assert found == known.default if python == "default" else found.python.name == python


def test_an_interpreter_that_is_not_there_is_refused_when_starting() -> None:
    """Not when the first task needs it."""
    with pytest.raises(ConfigError, match="no executable file"):
        Interpreters({"img": "/no/such/python"})


def test_requests_bound_what_runs_at_once(world: Any, tmp_path: Path) -> None:
    """Of three one-core tasks on two cores one waits, and says so."""

    async def main() -> None:
        mark = tmp_path / "mark"
        async with world(capacity=Room(2000, 1 << 33)) as w:
            jobs = [w.job("heavy", f"n{n}", mark=str(mark)) for n in range(3)]
            outcomes = await asyncio.gather(*(w.run(job) for job in jobs))
            assert [w.outputs(outcome) for outcome in outcomes] == [1, 1, 1]
            phases = [event.phase for event in w.events]
            assert phases.count(Phase.WAITING_FOR_RESOURCES) == 1
            assert phases.count(Phase.RUNNING) == 3
        entries = sorted((float(line.split()[1]), line.split()[0]) for line in mark.read_text().splitlines())
        at_once = most = 0
        for _, kind in entries:
            at_once += 1 if kind == "begin" else -1
            most = max(most, at_once)
        assert most <= 2

    asyncio.run(main())


def test_a_queue_timeout_and_a_kill_end_the_wait(world: Any, tmp_path: Path) -> None:
    """No process is started for what never got room."""

    async def main() -> None:
        async with world(capacity=Room(100, 1 << 33)) as w:
            first = asyncio.ensure_future(w.run(w.job("sleeps", "n0", seconds=3.0, mark=str(tmp_path / "mark"))))
            await w.until((tmp_path / "mark").exists)
            late = await w.run(w.job("add", "n1", a=1), queue_timeout=timedelta(seconds=0.2))
            assert (late.ending, late.started_at) == (AttemptEnding.TIMED_OUT, None)
            assert "waited for room" in late.failure.message
            job = w.job("add", "n2", a=1)
            waiting = asyncio.ensure_future(w.run(job))
            await asyncio.sleep(0.1)
            assert await w.executor.kill(job.key)
            assert (await waiting).ending is AttemptEnding.ABORTED
            assert not (job.work_dir / "pid.json").exists()
            assert w.outputs(await first) == 1
            assert w.executor.slots.free == w.executor.slots.capacity

    asyncio.run(main())


def test_a_deadline_ends_whatever_it_is_doing(world: Any, tmp_path: Path, no_processes_left: None) -> None:
    """And no other attempt would help."""

    async def main() -> None:
        async with world() as w:
            job = w.job("sleeps", seconds=60.0, mark=str(tmp_path / "mark"))
            job = replace(job, deadline=w.executor.clock.now() + 3_000_000)
            outcome = await w.run(job)
            assert (outcome.ending, outcome.failure.recoverable) == (AttemptEnding.TIMED_OUT, False)
            assert "deadline" in outcome.failure.message

    asyncio.run(main())


def test_work_is_cleared_after_success_and_kept_after_failure(world: Any) -> None:
    """Pid and exit stay either way: they are what keeps the attempt from being started again."""

    async def main() -> None:
        async with world() as w:
            good, bad = w.job("add", "n0", a=1), w.job("fails", "n1", message="x")
            await w.run(good)
            await w.run(bad)
            assert sorted(path.name for path in good.work_dir.iterdir()) == ["exit.json", "pid.json"]
            assert sorted(path.name for path in bad.work_dir.iterdir()) == ["cwd", "exit.json", "pid.json", "tmp"]

    asyncio.run(main())


def test_an_action_has_one_attempt_at_a_time(world: Any, tmp_path: Path) -> None:
    """A second one beside it is a mistake of the caller's."""

    async def main() -> None:
        async with world() as w:
            mark = tmp_path / "mark"
            job = w.job("sleeps", seconds=2.0, mark=str(mark))
            running = asyncio.ensure_future(w.run(job))
            await w.until(mark.exists)
            with pytest.raises(RuntimeError, match="runs already"):
                await w.run(replace(job, attempt=2))
            await running

    asyncio.run(main())


def test_the_users_settings_become_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cores and quantities; what is not set is the whole machine; a bad quantity is refused by the setting's name."""
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_CPUS", "1.5")
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_MEMORY", "1Gi")
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_ALLOW", "commands")
    options = ExecutorOptions.of(config.load())
    assert options.capacity == Room(1500, 1 << 30)
    assert options.allowed == {"accelerators": False, "commands": True}
    monkeypatch.delenv("FLYTE_BRIDGE_TASK_CPUS")
    capacity = ExecutorOptions.of(config.load()).capacity
    assert capacity is not None
    assert capacity.cpu == whole_machine().cpu
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_MEMORY", "much")
    with pytest.raises(ConfigError, match="TASK_MEMORY"):
        ExecutorOptions.of(config.load())


def test_a_backend_with_an_impossible_image_map_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And says which image and which Python; nothing is left running."""
    monkeypatch.setenv("FLYTE_BRIDGE_TASK_IMAGES", "reg/a=/no/such/venv")
    with pytest.raises(ConfigError, match="reg/a"):
        instance.start(tmp_path / "data", 0)
    assert instance.find(tmp_path / "data") is None


def test_a_directory_that_cannot_be_made_is_a_system_failure(world: Any) -> None:
    """Another attempt may help, and the task is not to blame."""

    async def main() -> None:
        async with world() as w:
            job = w.job("add", a=1)
            job.work_dir.parent.mkdir(parents=True)
            job.work_dir.write_text("in the way")
            outcome = await w.run(job)
            assert (outcome.failure.code, outcome.failure.system) == ("LaunchFailed", True)
            assert "1" in outcome.failure.message

    asyncio.run(main())


def test_what_is_deployed_is_expected(world: Any) -> None:
    """A task's forkserver begins its imports when the task is deployed; nothing is begun for one that is refused."""
    from flyteidl2.core.tasks_pb2 import Container, TaskTemplate

    async def main() -> None:
        async with world() as w:
            w.executor.expect(TaskTemplate(type="core-sleep"))
            w.executor.expect(TaskTemplate(container=Container(args=["ls"])))
            w.executor.expect(TaskTemplate(container=Container(args=["flyte-bridge-driver"])))
            log = w.root / "logs"
            await w.until((log / "forkserver-driver.log").exists)
            assert [path.name for path in log.glob("forkserver-*.log")] == ["forkserver-driver.log"]

    asyncio.run(main())
