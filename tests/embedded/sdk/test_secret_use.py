"""Secrets by the real CLI and SDK: created, used, missing, and left nowhere they do not belong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..conftest import Client

HUSH = "hush-8d1f5c"
MODULE = """
    import os

    import flyte

    both = [flyte.Secret("use-key"), flyte.Secret("use-key", as_env_var="OTHER")]
    env = flyte.TaskEnvironment(name="uses", secrets=both)
    mounted = flyte.TaskEnvironment(name="mounts", secrets=[flyte.Secret("use-key", mount="/etc/flyte/secrets")])
    lost = flyte.TaskEnvironment(name="loses", secrets="never-created")
    plain = flyte.TaskEnvironment(name="plain", depends_on=[env])

    @env.task
    async def lengths() -> list[int]:
        return [len(os.environ["USE_KEY"]), len(os.environ["OTHER"])]

    @mounted.task
    async def mount() -> str:
        return open("/etc/flyte/secrets/use-key").read()

    @lost.task
    async def lose() -> None:
        pass

    @plain.task
    async def parent() -> tuple[list[int], bool]:
        return await lengths(), "USE_KEY" in os.environ
"""


def _error(client: Client, run: str) -> str:
    told = client.python(
        f"""
        flyte.init_from_config()
        tell(text=flyte.remote.ActionDetails.get(run_name="{run}", name="a0").error_info.message)
        """
    )
    return str(told["text"])


def test_a_secret_is_used_where_it_is_asked_for_and_lies_nowhere_else(client: Client) -> None:
    """A child that asks for a secret has it, its parent has not; no log, object or database entry has the value."""
    client.write("uses.py", MODULE)
    client.flyte("create", "secret", "use-key", "--value", HUSH, "--project", "flytesnacks", "--domain", "development")
    run = client.run("uses.py", "parent")
    told = client.python(f'flyte.init_from_config(); tell(out=list(flyte.remote.Run.get("{run}").outputs()))')
    assert told["out"] == [[len(HUSH), len(HUSH)], False]
    data_dir = Path(client.running.data_dir)
    files = [path for path in data_dir.rglob("*") if path.is_file() and (data_dir / "secrets") not in path.parents]
    assert len(files) > 10
    assert [path for path in files if HUSH.encode() in path.read_bytes()] == []
    listed = client.flyte("get", "secret", "--project", "flytesnacks", "--domain", "development")
    assert "use-key" in listed
    assert HUSH not in listed
    client.flyte("delete", "secret", "use-key", "--project", "flytesnacks", "--domain", "development")


def test_a_missing_secret_fails_the_action_by_name(client: Client) -> None:
    """A task whose secret is not there does not run; its error says which, where it was looked for, and what to do."""
    client.write("uses.py", MODULE)
    run = client.run("uses.py", "lose", phase="failed")
    error = _error(client, run)
    assert "'never-created'" in error
    assert "flytesnacks/development" in error
    assert "flyte create secret never-created" in error


def test_a_secret_as_a_file_is_refused_by_name(client: Client) -> None:
    """What only a container can have is refused, with the way that works."""
    client.write("uses.py", MODULE)
    client.flyte("create", "secret", "use-key", "--value", HUSH)
    run = client.run("uses.py", "mount", phase="failed")
    assert "as_env_var" in _error(client, run)
    client.flyte("delete", "secret", "use-key")


def test_a_secret_that_is_there_is_not_replaced(client: Client) -> None:
    """`create secret` of a name that is taken is an error, `delete` and `get` of one that is not are errors."""
    client.flyte("create", "secret", "once", "--value", "1")
    assert client.try_flyte("create", "secret", "once", "--value", "2").returncode != 0
    client.flyte("delete", "secret", "once")
    for verb in ("delete", "get"):
        assert client.try_flyte(verb, "secret", "once").returncode != 0


def test_pages_of_secrets(client: Client) -> None:
    """The SDK's listing goes through all pages."""
    told = client.python(
        """
        flyte.init_from_config()
        names = [f"page-{number:02d}" for number in range(23)]
        for name in names:
            flyte.remote.Secret.create(name=name, value=b"x")
        tell(all=sorted(one.name for one in flyte.remote.Secret.listall(limit=5) if one.name in names))
        for name in names:
            flyte.remote.Secret.delete(name=name)
        """
    )
    assert told["all"] == [f"page-{number:02d}" for number in range(23)]
