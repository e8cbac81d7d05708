"""Seed 003, "How task run works": ephemeral, deployed and local runs, from the command line and from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..conftest import run_in

if TYPE_CHECKING:
    from ..conftest import Client

EXAMPLE = """
    import flyte

    env = flyte.TaskEnvironment(name="{env}")

    @env.task
    async def my_task(name: str = "World", batch_size: int = 1) -> str:
        return f"Hello, {{name}}!" * batch_size

    if __name__ == "__main__":
        flyte.init_from_config()
        # Deploy and run in one step
        result = flyte.run(my_task, name="World")
        print(f"Result: {{result}}")
        print(f"Execution URL: {{result.url}}")
"""


def example(env: str) -> str:
    return EXAMPLE.format(env=env)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--project", "flytesnacks", "--domain", "staging"],
        ["--version", "v1.0.0", "--copy-style", "all"],
        ["--copy-style", "loaded_modules"],
    ],
)
def test_ephemeral_run(client: Client, options: list[str]) -> None:
    """`flyte run my_example.py my_task --name World`, also with project, domain, version and copy style."""
    client.write("my_example.py", example("my_env"))
    run = client.run(*options, "my_example.py", "my_task", "--name", "World", phase=None)
    where = [word for word in options if word.startswith("--domain")] and ["--domain", "staging"]
    assert "Hello, World!" in client.flyte("get", "io", *where, run)


def test_an_ephemeral_run_deploys_nothing(client: Client) -> None:
    """The task registry stays as it was."""
    client.write("my_example.py", example("ephemeral_env"))
    client.run("my_example.py", "my_task")
    assert "ephemeral_env" not in client.flyte("get", "task", "--limit", "200")


def test_code_in_the_image_is_run_from_there(client: Client) -> None:
    """With `--copy-style none` no code travels: the task's module comes from the interpreter's own path."""
    client.write("my_example.py", example("none_env"))
    failing = client.try_flyte("run", "--follow", "--copy-style", "none", "--version", "v1", "my_example.py", "my_task")
    run = run_in(failing.stdout + failing.stderr)
    assert client.phase_of(run) == "failed"
    told = client.python(
        f"""
        flyte.init_from_config()
        tell(error=flyte.remote.ActionDetails.get(run_name="{run}", name="a0").pb2.error_info.message)
        """
    )
    assert "my_example" in told["error"]


def test_the_script_runs_itself(client: Client) -> None:
    """`python my_example.py` deploys and runs in one step and prints the URL."""
    path = client.write("my_example.py", example("script_env"))
    told = client.python(
        f"""
        import subprocess, sys
        done = subprocess.run([sys.executable, {str(path)!r}], capture_output=True, text=True)
        tell(out=done.stdout, err=done.stderr, code=done.returncode)
        """
    )
    assert told["code"] == 0, told["err"]
    assert f"Execution URL: {client.running.url}/v2/domain/development" in told["out"]


def test_deployed_tasks_run_by_name(client: Client) -> None:
    """After `flyte deploy`, tasks run by `env.task`, by version and by latest, from CLI and Python, without a file."""
    source = client.write("prod_example.py", example("prod_env"))
    for version in ("v1.0.0", "v1.0.1"):
        client.flyte("deploy", "--version", version, "prod_example.py", "env")
        client.write("prod_example.py", example("prod_env").replace("Hello", "Goodbye"))
    source.unlink()
    run = client.run("deployed-task", "prod_env.my_task", "--name", "World")
    assert "Goodbye, World!" in client.flyte("get", "io", run)
    run = client.run("deployed-task", "prod_env.my_task:v1.0.0", "--name", "World", "--batch_size", "2")
    assert "Hello, World!Hello, World!" in client.flyte("get", "io", run)
    told = client.python(
        """
        flyte.init_from_config()
        found = []
        for task in (
            flyte.remote.Task.get("prod_env.my_task", version="v1.0.0"),
            flyte.remote.Task.get("prod_env.my_task", auto_version="latest"),
        ):
            result = flyte.run(task, name="World")
            result.wait(quiet=True)
            found.append(result.outputs()[0])
        tell(found=found)
        """
    )
    assert told["found"] == ["Hello, World!", "Goodbye, World!"]


def test_a_deployed_task_runs_in_another_project_and_domain(client: Client) -> None:
    """`flyte run --project prod --domain production deployed-task …` finds what was deployed there."""
    client.flyte("create", "project", "--id", "prod", "--name", "Production")
    client.write("prod_example.py", example("my_env"))
    client.flyte("deploy", "--project", "prod", "--domain", "production", "prod_example.py", "env")
    said = client.flyte(
        *["run", "--follow", "--project", "prod", "--domain", "production"],
        *["deployed-task", "my_env.my_task", "--batch_size", "3"],
    )
    run = run_in(said)
    assert "/v2/domain/production/project/prod/runs/" in said
    assert "Hello, World!" * 3 in client.flyte("get", "io", "--project", "prod", "--domain", "production", run)


def test_local_execution_does_not_touch_the_backend(client: Client) -> None:
    """`flyte run --local`, no client, and `mode="local"` run in the client's own process."""
    client.write("my_example.py", example("local_env"))
    assert "Hello, World!" in client.flyte("run", "--local", "my_example.py", "my_task", "--name", "World")
    told = client.python(
        """
        from my_example import my_task
        first = flyte.run(my_task, name="World").outputs()  # no client configured: local
        flyte.init_from_config()
        second = flyte.with_runcontext(mode="local").run(my_task, name="World").outputs()
        runs = [run.name for run in flyte.remote.Run.listall(task_name="local_env.my_task")]
        tell(first=list(first), second=list(second), runs=runs)
        """
    )
    assert told == {"first": ["Hello, World!"], "second": ["Hello, World!"], "runs": []}


def test_a_script_without_tasks_runs_too(client: Client) -> None:
    """`flyte run python-script` bundles one chosen file (copy style custom) and runs it as a task.

    SDK 2.12.1 then says "Script failed with exit code -1" whatever came of it: it looks for a dict where its own task
    returns a dataclass. The outputs tell.
    """
    client.write("plain.py", "import sys; print('script says', len(sys.argv))")
    done = client.try_flyte("run", "--follow", "python-script", "plain.py")
    run = run_in(done.stdout + done.stderr)
    assert client.phase_of(run) == "succeeded"
    io = client.flyte("get", "io", run, "--outputs-only")
    assert "exit_code=0" in io
    assert "script says 1" in io
