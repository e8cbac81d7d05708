"""Seed 000, "Interact with runs and actions": every snippet, against one run that is made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..conftest import Client

MODULE = """
    from pathlib import Path

    import flyte
    import flyte.io
    import pandas as pd

    env = flyte.TaskEnvironment(name="seed000")

    @env.task
    async def double(x: int) -> int:
        return 2 * x

    @env.task
    async def deeper(x: int) -> int:
        return await double(x) + 1

    @env.task
    async def my_task(input_data: str, x: int = 3) -> tuple[str, int]:
        print("hello from the log")
        return f"Processed: {input_data}", await deeper(x)

    @env.task
    async def nothing() -> None:
        pass

    @env.task
    async def breaks(x: int) -> int:
        raise ValueError(f"no good: {x}")

    @env.task
    async def frames() -> tuple[pd.DataFrame, flyte.io.File]:
        Path("note.txt").write_text("some note")
        return pd.DataFrame({"a": [1, 2, 3]}), await flyte.io.File.from_local("note.txt")
"""


@pytest.fixture(scope="module")
def world(session_client: Client) -> tuple[Client, dict[str, Any]]:
    """The runs that the snippets look at, made by one script."""
    session_client.write("seed_000.py", MODULE)
    told = session_client.python(
        """
        import seed_000
        flyte.init_from_config()
        run = flyte.run(seed_000.my_task, input_data="test")
        none = flyte.run(seed_000.nothing)
        bad = flyte.run(seed_000.breaks, x=7)
        data = flyte.run(seed_000.frames)
        for one in (run, none, bad, data):
            one.wait(quiet=True)
        tell(run=run.name, none=none.name, bad=bad.name, data=data.name, done=run.action.done(), url=run.url)
        """
    )
    return session_client, told


def test_retrieving_a_run(world: tuple[Client, dict[str, Any]]) -> None:
    """`Run.get` gives a run by name, its URL is the backend's, and its root's phase is told."""
    client, made = world
    assert made["done"] is True
    told = client.python(
        f"""
        flyte.init_from_config()
        run = flyte.remote.Run.get("{made["run"]}")
        tell(url=run.url, phase=run.action.phase, done=run.action.done())
        """
    )
    where = f"{client.running.url}/v2/domain/development/project/flytesnacks/runs/{made['run']}"
    assert told == {"url": where, "phase": "succeeded", "done": True}
    assert made["url"] == where


def test_getting_runs_from_the_command_line(world: tuple[Client, dict[str, Any]]) -> None:
    """`flyte get run NAME` and `flyte get run` show it."""
    client, made = world
    assert made["run"] in client.flyte("get", "run", made["run"])
    listed = client.flyte("get", "run")
    assert made["run"] in listed
    assert made["bad"] in listed


def test_run_details(world: tuple[Client, dict[str, Any]]) -> None:
    """`RunDetails.get` has the whole message."""
    client, made = world
    told = client.python(
        f"""
        flyte.init_from_config()
        details = flyte.remote.RunDetails.get(name="{made["run"]}")
        tell(name=details.name, task=details.task_name, action=details.pb2.action.id.name,
             attempts=len(details.pb2.action.attempts), text=str(details.pb2))
        """
    )
    assert (told["name"], told["task"], told["action"], told["attempts"]) == (made["run"], "seed000.my_task", "a0", 1)
    assert "run_spec" in told["text"]


def test_retrieving_actions(world: tuple[Client, dict[str, Any]]) -> None:
    """`Action.get` gives the main action and nested ones; details tell attempts and phases."""
    client, made = world
    told = client.python(
        f"""
        flyte.init_from_config()
        action = flyte.remote.Action.get(run_name="{made["run"]}", name="a0")
        actions = {{one.task_name: one for one in flyte.remote.Action.listall(for_run_name="{made["run"]}")}}
        nested = flyte.remote.Action.get(run_name="{made["run"]}", name=actions["seed000.double"].name)
        details = flyte.remote.ActionDetails.get(run_name="{made["run"]}", name="a0")
        tell(phase=action.phase, task=action.task_name, started=action.start_time.isoformat(), names=sorted(actions),
             parent=actions["seed000.double"].parent_name, deeper=actions["seed000.deeper"].name,
             nested=nested.task_name, details=details.pb2.id.name, runtime=details.runtime.total_seconds(),
             transitions=[one.phase for one in details.get_phase_transitions()])
        """
    )
    assert "succeeded" in told["phase"].lower()
    assert told["task"] == "seed000.my_task"
    assert told["started"].startswith("20")
    assert told["names"] == ["seed000.deeper", "seed000.double", "seed000.my_task"]
    assert told["nested"] == "seed000.double"
    assert told["parent"] == told["deeper"]
    assert told["details"] == "a0"
    assert 0 < told["runtime"] < 60
    assert any("running" in phase.lower() for phase in told["transitions"])


def test_getting_actions_from_the_command_line(world: tuple[Client, dict[str, Any]]) -> None:
    """`flyte get action RUN [ACTION]` shows one action, or all three."""
    client, made = world
    assert "my_task" in client.flyte("get", "action", made["run"], "a0")
    assert len(client.json("get", "action", made["run"])) == 3


def test_inputs_and_outputs(world: tuple[Client, dict[str, Any]]) -> None:
    """Inputs are a mapping, outputs always a tuple, and no outputs are `(None,)`."""
    client, made = world
    told = client.python(
        f"""
        flyte.init_from_config()
        run = flyte.remote.Run.get("{made["run"]}")
        inputs, outputs = run.inputs(), run.outputs()
        none = flyte.remote.Run.get("{made["none"]}").outputs()
        tell(inputs=dict(inputs), outputs=list(outputs), first=outputs[0], none=list(none),
             types=[isinstance(inputs, flyte.remote.ActionInputs), isinstance(outputs, flyte.remote.ActionOutputs)])
        """
    )
    assert told["inputs"] == {"input_data": "test", "x": 3}
    assert told["outputs"] == ["Processed: test", 7]
    assert told["first"] == "Processed: test"
    assert told["none"] == [None]
    assert told["types"] == [True, True]


def test_getting_io_and_logs_from_the_command_line(world: tuple[Client, dict[str, Any]]) -> None:
    """`flyte get io RUN [ACTION]` and `flyte get logs RUN` show values and what the task printed."""
    client, made = world
    assert "Processed: test" in client.flyte("get", "io", made["run"])
    assert "test" in client.flyte("get", "io", made["run"], "a0", "--inputs-only")
    assert "hello from the log" in client.flyte("get", "logs", made["run"])


def test_handling_failures(world: tuple[Client, dict[str, Any]]) -> None:
    """A failed action has no outputs, and its details tell the error.

    The seed expects a RuntimeError for the outputs; SDK 2.12.1 gives `None` for each instead, as it does for the empty
    outputs that the real backend sends.
    """
    client, made = world
    told = client.python(
        f"""
        flyte.init_from_config()
        action = flyte.remote.Action.get(run_name="{made["bad"]}", name="a0")
        if action.phase == flyte.models.ActionPhase.FAILED:
            try:
                outputs = flyte.remote.Run.get("{made["bad"]}").outputs()
            except RuntimeError as e:
                print("Action failed, outputs not available")
                outputs = [None]
            action_details = flyte.remote.ActionDetails.get(run_name="{made["bad"]}", name="a0")
            tell(outputs=list(outputs), error=action_details.pb2.error_info.message,
                 kind=action_details.pb2.error_info.kind)
        """
    )
    assert told["outputs"] == [None]
    assert "no good: 7" in told["error"]
    assert told["kind"] == 1  # KIND_USER


@pytest.mark.parametrize(
    "storage",
    [
        'flyte.storage.S3.auto(region="us-east-2")',
        'flyte.storage.S3(access_key_id=told["ACCESS_KEY_ID"], secret_access_key=told["SECRET_ACCESS_KEY"], '
        'region="us-east-2", endpoint=told["ENDPOINT"])',
    ],
)
def test_large_data_is_downloaded_from_the_object_store(world: tuple[Client, dict[str, Any]], storage: str) -> None:
    """Frames and files come back as references, and their bytes from the backend's S3."""
    client, made = world
    told = client.python(
        f"""
        import asyncio
        import os
        import flyte.storage
        import pandas as pd
        from flyte.io import DataFrame  # without it the SDK cannot tell what a frame's literal is
        told = {{name.removeprefix("FLYTE_AWS_"): value for name, value in os.environ.items()}}
        flyte.init_from_config(storage={storage})
        outputs = flyte.remote.Run.get("{made["data"]}").outputs()
        dataframe, file = outputs

        async def read():
            df = await dataframe.open(pd.DataFrame).all()
            async with file.open("rb") as handle:
                return df["a"].tolist(), bytes(await handle.read()).decode()

        frame, note = asyncio.run(read())
        tell(uri=file.path, frame=frame, note=note)
        """
    )
    assert told["uri"].startswith("s3://")
    assert told["frame"] == [1, 2, 3]
    assert told["note"] == "some note"


def test_other_clouds_configurations_do_not_hinder(world: tuple[Client, dict[str, Any]]) -> None:
    """A client set up for another cloud's storage still gets values, which travel by RPC."""
    client, made = world
    told = client.python(
        f"""
        from flyte.storage import ABFS, GCS
        outputs = []
        for storage in (
            GCS.auto(), GCS(), ABFS.auto(), ABFS(account_name="a", account_key="YQ=="),
            ABFS(account_name="a", tenant_id="t", client_id="c", client_secret="s"),
        ):
            flyte.init_from_config(storage=storage)
            outputs.append(list(flyte.remote.Run.get("{made["run"]}").outputs()))
        tell(outputs=outputs)
        """
    )
    assert told["outputs"] == [["Processed: test", 7]] * 5


def test_the_complete_example(client: Client) -> None:
    """The seed's complete example, as it stands."""
    told = client.python(
        """
        import flyte.storage

        # Initialize with storage access
        flyte.init_from_config(storage=flyte.storage.S3.auto(region="us-east-2"))

        # Define and run a task
        env = flyte.TaskEnvironment(name="data_processing")

        @env.task
        async def process_data(input_value: str) -> str:
            return f"Processed: {input_value}"

        if __name__ == "__main__":
            # Launch the run
            run = flyte.run(process_data, input_value="test_data")
            # Monitor progress
            print(f"Run URL: {run.url}")
            run.wait()
            # Check status
            if run.action.done():
                print(f"Run completed with phase: {run.action.phase}")
            # Get inputs and outputs
            inputs = run.inputs()
            print(f"Inputs: {inputs}")
            outputs = run.outputs()
            print(f"Outputs: {outputs}")
            # Access the result
            result = outputs[0]
            print(f"Result: {result}")
            tell(inputs=dict(inputs), result=result, done=run.action.done())
        """
    )
    assert told == {"inputs": {"input_value": "test_data"}, "result": "Processed: test_data", "done": True}
