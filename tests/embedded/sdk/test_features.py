"""What tasks can do in Flyte 2, each feature by the real SDK: results, errors, values and files as on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..conftest import Client


def test_map_groups_and_traces_are_actions(client: Client) -> None:
    """`flyte.map` makes an action per element, `flyte.group` names them, a trace is recorded once with its result."""
    client.write(
        "fan.py",
        """
        import asyncio
        import flyte

        env = flyte.TaskEnvironment(name="fan", resources=flyte.Resources(cpu="100m", memory="50Mi"))

        @env.task
        async def square(x: int) -> int:
            return x * x

        @flyte.trace
        async def think(x: int) -> int:
            return x + 1

        @env.task
        async def main(n: int) -> list[int]:
            mapped = []
            async for value in flyte.map.aio(square, range(n)):
                mapped.append(value)
            with flyte.group("more"):
                more = await asyncio.gather(*(square(n + i) for i in range(2)))
            return mapped + list(more) + [await think(1)]
        """,
    )
    run = client.run("fan.py", "main", "--n", "3")
    told = client.python(
        f"""
        flyte.init_from_config()
        actions = [flyte.remote.ActionDetails.get(run_name="{run}", name=one.name)
                   for one in flyte.remote.Action.listall(for_run_name="{run}")]
        tell(outputs=flyte.remote.Run.get("{run}").outputs()[0], count=len(actions),
             groups=sorted(one.pb2.metadata.group for one in actions if one.pb2.metadata.group),
             traces=[one.pb2.metadata.trace.name for one in actions if one.pb2.metadata.HasField("trace")],
             phases=sorted({{str(one.phase) for one in actions}}))
        """
    )
    assert told["outputs"] == [0, 1, 4, 9, 16, 2]
    assert told["count"] == 7
    assert [group for group in told["groups"] if "more" in group] == told["groups"][-2:]
    assert [name.rpartition(".")[2] for name in told["traces"]] == ["think"]
    assert len(told["phases"]) == 1


def test_retries_timeouts_and_system_failures(client: Client) -> None:
    """Retries run as many attempts as asked for and stop at success; a timeout ends TIMED_OUT; who exits fails."""
    client.write(
        "hard.py",
        """
        import asyncio
        import os
        from datetime import timedelta
        import flyte

        env = flyte.TaskEnvironment(name="hard")

        @env.task(retries=flyte.RetryStrategy(count=3))
        async def third_time() -> int:
            attempt = int(os.environ["FLYTE_ATTEMPT_NUMBER"])
            if attempt < 2:
                raise RuntimeError(f"attempt {attempt}")
            return attempt

        @env.task(retries=1)
        async def never() -> int:
            raise RuntimeError("never")

        @env.task(timeout=timedelta(seconds=1))
        async def slow() -> int:
            await asyncio.sleep(60)
            return 1

        @env.task
        async def dies() -> int:
            os._exit(7)

        @env.task
        async def catches() -> str:
            try:
                await never()
            except flyte.errors.RuntimeUserError as e:
                return f"caught {e.code}"
            return "nothing"
        """,
    )
    told = client.python(
        """
        import hard
        flyte.init_from_config()
        runs = {name: flyte.run(getattr(hard, name)) for name in ("third_time", "never", "slow", "dies", "catches")}
        for name, run in runs.items():
            run.wait(quiet=True)
            details = flyte.remote.ActionDetails.get(run_name=run.name, name="a0")
            phase = str(details.phase).rpartition(".")[2].lower()
            tell(**{name: [phase, len(details.pb2.attempts), details.pb2.error_info.message]})
        tell(outputs=list(runs["third_time"].outputs()), caught=list(runs["catches"].outputs()))
        """
    )
    assert told["third_time"][:2] == ["succeeded", 3]
    assert told["outputs"] == [2]
    assert told["never"][:2] == ["failed", 2]
    assert "never" in told["never"][2]
    assert told["slow"][0] == "timed_out"
    assert told["dies"][0] == "failed"
    assert told["caught"][0].startswith("caught ")


def test_a_retried_parent_does_not_run_its_children_again(client: Client) -> None:
    """The second attempt of a parent gets its finished child's result; the child ran once."""
    client.write(
        "durable.py",
        """
        import os
        import time
        import flyte

        env = flyte.TaskEnvironment(name="durable")

        @env.task
        async def child() -> float:
            return time.time()

        @env.task(retries=1)
        async def parent() -> list[float]:
            began = await child()
            if os.environ["FLYTE_ATTEMPT_NUMBER"] == "0":
                raise RuntimeError("once more")
            return [began, await child()]
        """,
    )
    run = client.run("durable.py", "parent")
    told = client.python(
        f"""
        flyte.init_from_config()
        actions = list(flyte.remote.Action.listall(for_run_name="{run}"))
        children = [flyte.remote.ActionDetails.get(run_name="{run}", name=one.name)
                    for one in actions if one.name != "a0"]
        tell(children=[len(one.pb2.attempts) for one in children])
        """
    )
    assert told["children"] == [1, 1]


def test_checkpoints_survive_a_failed_attempt(client: Client) -> None:
    """What an attempt checkpoints, the next one reads."""
    client.write(
        "checkpointed.py",
        """
        import os
        import flyte

        env = flyte.TaskEnvironment(name="checkpointed")

        @env.task(retries=2)
        async def count() -> list[int]:
            checkpoint = flyte.ctx().checkpoint
            before = await checkpoint.load()
            seen = list(before.read_bytes()) if before is not None and before.is_file() else []
            seen.append(int(os.environ["FLYTE_ATTEMPT_NUMBER"]))
            await checkpoint.save(bytes(seen))
            if len(seen) < 3:
                raise RuntimeError("again")
            return seen
        """,
    )
    run = client.run("checkpointed.py", "count")
    told = client.python(f'flyte.init_from_config(); tell(seen=flyte.remote.Run.get("{run}").outputs()[0])')
    assert told["seen"] == [0, 1, 2]


def test_reports(client: Client) -> None:
    """A report is served through the SDK and on the page's own path."""
    client.write(
        "reporting.py",
        """
        import flyte
        import flyte.report

        env = flyte.TaskEnvironment(name="reporting")

        @env.task(report=True)
        async def main() -> str:
            await flyte.report.replace.aio("<h1>A fine report</h1>")
            await flyte.report.flush.aio()
            return "done"
        """,
    )
    run = client.run("reporting.py", "main")
    told = client.python(f'flyte.init_from_config(); tell(report=flyte.remote.Run.get("{run}").get_report())')
    assert "A fine report" in told["report"]


def test_files_directories_and_frames_pass_between_tasks(client: Client) -> None:
    """Files, directories and frames go through the object store from one task's directory to another's."""
    client.write(
        "data.py",
        """
        from pathlib import Path
        import pandas as pd
        import flyte
        from flyte.io import DataFrame, Dir, File

        env = flyte.TaskEnvironment(name="data")

        @env.task
        async def make() -> tuple[File, Dir, pd.DataFrame]:
            Path("one.txt").write_text("one")
            Path("folder").mkdir()
            Path("folder/two.txt").write_text("two")
            return await File.from_local("one.txt"), await Dir.from_local("folder"), pd.DataFrame({"n": [1, 2]})

        @env.task
        async def use(file: File, folder: Dir, frame: pd.DataFrame) -> str:
            assert not Path("one.txt").exists()
            async with file.open("rb") as handle:
                one = bytes(await handle.read()).decode()
            two = Path(await folder.download()) / "two.txt"
            return one + two.read_text() + str(int(frame["n"].sum()))

        @env.task
        async def main() -> str:
            file, folder, frame = await make()
            return await use(file, folder, frame)
        """,
    )
    run = client.run("data.py", "main")
    assert "onetwo3" in client.flyte("get", "io", run)


def test_environment_labels_and_start_time_reach_the_task(client: Client) -> None:
    """Env vars of task and run, the run's start time and its identity are there; labels are on the run."""
    client.write(
        "context.py",
        """
        import os
        import flyte

        env = flyte.TaskEnvironment(name="context", env_vars={"FROM_ENV": "a", "BOTH": "env"})

        @env.task
        async def child() -> dict[str, str]:
            return {name: os.environ.get(name, "") for name in ("FROM_ENV", "FROM_RUN", "BOTH")}

        @env.task
        async def main() -> tuple[dict[str, str], dict[str, str]]:
            ctx = flyte.ctx()
            told = {"run": ctx.action.run_name, "action": ctx.action.name, "project": ctx.action.project,
                    "domain": ctx.action.domain, "start": ctx.run_start_time.isoformat()}
            return told, await child()
        """,
    )
    told = client.python(
        """
        from datetime import datetime, timezone
        import context
        flyte.init_from_config()
        at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
        run = flyte.with_runcontext(name="context-run", env_vars={"FROM_RUN": "b", "BOTH": "run"},
                                    labels={"team": "bridge"}, run_start_time=at).run(context.main)
        run.wait(quiet=True)
        outputs = run.outputs()
        tell(told=outputs[0], child=outputs[1],
             labelled=[r.name for r in flyte.remote.Run.listall(with_labels={"team": "bridge"})])
        """
    )
    assert told["told"]["run"] == "context-run"
    assert told["told"]["action"] == "a0"
    assert (told["told"]["project"], told["told"]["domain"]) == ("flytesnacks", "development")
    assert told["child"] == {"FROM_ENV": "a", "FROM_RUN": "b", "BOTH": "run"}
    assert told["labelled"] == ["context-run"]


def test_secrets_are_injected(client: Client) -> None:
    """A secret that was created is an environment variable of the task that asks for it, and of no other."""
    client.write(
        "secretive.py",
        """
        import os
        import flyte

        env = flyte.TaskEnvironment(
            name="secretive", secrets=[flyte.Secret("my-key"), flyte.Secret("my-key", as_env_var="OTHER_NAME")]
        )
        plain = flyte.TaskEnvironment(name="plain")

        @env.task
        async def knows() -> list[str]:
            return [os.environ["MY_KEY"], os.environ["OTHER_NAME"]]

        @plain.task
        async def does_not() -> bool:
            return "MY_KEY" in os.environ or "OTHER_NAME" in os.environ
        """,
    )
    client.flyte("create", "secret", "my-key", "--value", "hush hush")
    told = client.python(
        """
        import secretive
        flyte.init_from_config()
        runs = [flyte.run(secretive.knows), flyte.run(secretive.does_not)]
        for run in runs:
            run.wait(quiet=True)
        tell(knows=runs[0].outputs()[0], other=runs[1].outputs()[0])
        """
    )
    assert told == {"knows": ["hush hush", "hush hush"], "other": False}


def test_a_container_only_task_is_refused_by_name(client: Client) -> None:
    """A task that is nothing but a container cannot run without Docker, and the error says so."""
    client.write(
        "boxed.py",
        """
        import flyte
        from flyte.extras import ContainerTask

        box = ContainerTask(name="box", image="alpine:3", command=["true"], inputs={}, outputs={})
        env = flyte.TaskEnvironment.from_task("boxed", box)
        """,
    )
    told = client.python(
        """
        import boxed
        flyte.init_from_config()
        run = flyte.run(boxed.box)
        run.wait(quiet=True)
        details = flyte.remote.ActionDetails.get(run_name=run.name, name="a0")
        tell(phase=run.sync().phase, error=details.pb2.error_info.message)
        """
    )
    assert told["phase"] == "failed"
    assert "container" in told["error"].lower()
