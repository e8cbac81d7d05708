"""How tasks are executed, seen by the real SDK: where code comes from, who holds room, what a killed server costs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded_client import instance, snippets

if TYPE_CHECKING:
    from ..conftest import Client

V1_CODE = Path(__file__).parents[1] / "executor" / "code"


@pytest.mark.parametrize("how", ['copy_style="all"', 'copy_style="loaded_modules"', "interactive_mode=True"])
def test_code_reaches_the_task(client: Client, how: str) -> None:
    """All files, the imported modules, or the pickled task: each way the task finds its helper module and runs."""
    client.write("helper.py", "def twice(x):\n    return 2 * x\n")
    client.write(
        "shipped.py",
        """
        import flyte
        import helper

        env = flyte.TaskEnvironment(name="shipped")

        @env.task
        async def leaf(x: int) -> int:
            return helper.twice(x)

        @env.task
        async def main(x: int) -> int:
            return await leaf(x) + 1
        """,
    )
    pickled = "cloudpickle.register_pickle_by_value(helper); cloudpickle.register_pickle_by_value(shipped)"
    told = client.python(
        f"""
        import cloudpickle
        import helper
        import shipped
        flyte.init_from_config()
        {pickled if "interactive" in how else ""}
        run = flyte.with_runcontext({how}).run(shipped.main, x=4)
        run.wait(quiet=True)
        tell(phase=run.phase, outputs=list(run.outputs()))
        """
    )
    assert told["outputs"] == [9]


def test_parents_that_wait_leave_room_for_their_children(client: Client) -> None:
    """Twelve nested tasks that each want a whole machine would wait for each other forever if they kept it."""
    client.write(
        "deep.py",
        """
        import flyte

        env = flyte.TaskEnvironment(name="deep", resources=flyte.Resources(cpu=64, memory="900Gi"))

        @env.task
        async def down(n: int) -> int:
            return 0 if n == 0 else 1 + await down(n - 1)
        """,
    )
    run = client.run("deep.py", "down", "--n", "6")
    assert len(client.actions_of(run)) == 7


def test_unmodified_flyte_1_tasks_run_as_children(client: Client) -> None:
    """A task that flytekit serialized is deployed as it is, and called from a Flyte 2 task by its name."""
    templates = client.where / "templates"
    templates.mkdir()
    command = [sys.executable, str(V1_CODE / "serialise_v1.py"), str(templates)]
    subprocess.run(command, check=True, cwd=V1_CODE, env={**os.environ, "HOME": client.env["HOME"]})
    source = (V1_CODE / "v1_tasks.py").read_text()
    client.write(
        "caller.py",
        """
        import flyte
        import flyte.io
        import flyte.remote

        env = flyte.TaskEnvironment(name="caller")

        @env.task
        async def main(a: int) -> str:
            add = flyte.remote.Task.get("v1_tasks.add", version="v1")
            total = await add(a=a, b=2)
            write = flyte.remote.Task.get("v1_tasks.file_out", version="v1")
            read = flyte.remote.Task.get("v1_tasks.file_in", version="v1")
            return f"{total} {await read(file=await write(text='quiet'))}"
        """,
    )
    archive = client.write("v1_tasks.py", "")
    archive.write_text(source)
    told = client.python(
        f"""
        import pathlib, subprocess, tarfile
        import caller
        from flyteidl2.core.identifier_pb2 import Identifier
        from flyteidl2.core.tasks_pb2 import TaskTemplate
        from flyteidl2.task import task_definition_pb2, task_service_pb2
        from flyteidl2.task.task_service_connect import TaskServiceClientSync
        import flyte.remote._data
        flyte.init_from_config()
        with tarfile.open("code.tar.gz", "w:gz") as tar:
            tar.add("v1_tasks.py")
        _, uri = flyte.remote.upload_file(pathlib.Path("code.tar.gz"))
        tasks = TaskServiceClientSync("{client.running.url}/{client.running.access.segment}")
        for name in ("add", "file_out", "file_in"):
            template = TaskTemplate.FromString((pathlib.Path("templates") / f"{{name}}.pb").read_bytes())
            template.id.project = "flytesnacks"
            fast = ["pyflyte-fast-execute", "--additional-distribution", uri, "--dest-dir", "/root", "--"]
            template.container.args[:] = [*fast, *template.container.args]
            key = task_definition_pb2.TaskIdentifier(
                org="local", project="flytesnacks", domain="development", name=template.id.name, version="v1"
            )
            spec = task_definition_pb2.TaskSpec(task_template=template)
            tasks.deploy_task(task_service_pb2.DeployTaskRequest(task_id=key, spec=spec))
        run = flyte.run(caller.main, a=40)
        run.wait(quiet=True)
        tell(phase=run.phase, outputs=list(run.outputs()))
        """
    )
    assert told["outputs"] == ["42 QUIET"]


def test_a_tree_of_tasks_survives_a_killed_server(client: Client, tmp_path: Path) -> None:
    """SIGKILL in the middle, then `up`: the parent finds its way back, no child runs twice, the run succeeds."""
    mark = tmp_path / "mark"
    client.write(
        "tree.py",
        """
        import asyncio
        import os
        import flyte

        env = flyte.TaskEnvironment(name="tree")

        @env.task
        async def child(x: int, mark: str) -> int:
            with open(mark, "a") as file:
                file.write(f"child {x}\\n")
            await asyncio.sleep(5)
            return x

        @env.task
        async def main(n: int, mark: str) -> int:
            with open(mark, "a") as file:
                file.write("parent\\n")
            return sum(await asyncio.gather(*(child(i, mark) for i in range(n))))
        """,
    )
    data_dir = tmp_path / "own"
    running = instance.start(data_dir)
    try:
        own = type(client)(running, client.where, client.env | snippets.flyte_environment(running))
        run = own.run("tree.py", "main", "--n", "3", "--mark", str(mark), follow=False)
        deadline = time.monotonic() + 60
        while not mark.exists() or len(mark.read_text().splitlines()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(running.pid, 9)
        time.sleep(1)
        again = instance.start(data_dir)
        assert again.port == running.port
        while own.phase_of(run) not in {"succeeded", "failed", "aborted"}:
            assert time.monotonic() < deadline + 60
            time.sleep(0.2)
        assert own.phase_of(run) == "succeeded"
        assert sorted(mark.read_text().splitlines()) == ["child 0", "child 1", "child 2", "parent"]
        assert [action["status"]["attempts"] for action in own.actions_of(run)] == [1, 1, 1, 1]
    finally:
        instance.stop(data_dir)
