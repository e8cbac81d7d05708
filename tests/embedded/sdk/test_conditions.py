"""Conditions by the real SDK and CLI: each type, the wrong type, twice, and timeouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Client

MODULE = """
    import asyncio
    import flyte

    env = flyte.TaskEnvironment(name="gates")

    async def ask(kind: type) -> object:
        gate = await flyte.new_condition.aio(
            f"give_{kind.__name__}", prompt=f"Which {kind.__name__}?", data_type=kind, description="a gate"
        )
        return await gate.wait.aio()

    @env.task
    async def main() -> tuple[bool, int, float, str]:
        return tuple(await asyncio.gather(ask(bool), ask(int), ask(float), ask(str)))

    @env.task
    async def impatient() -> str:
        gate = await flyte.new_condition.aio("never", prompt="?", data_type=bool, timeout=1)
        try:
            await gate.wait.aio()
        except Exception as error:
            return type(error).__name__
        return "signalled"
"""


def open_conditions(client: Client, run: str) -> dict[str, str]:
    """The names of a run's open conditions, and their actions, as the SDK lists them."""
    found: dict[str, str] = client.python(
        f"""
        flyte.init_from_config()
        tell(open={{one.name: one.action_name for one in flyte.remote.Condition.listall("{run}")}})
        """
    )["open"]
    return found


def test_conditions_of_every_type(client: Client, eventually: Callable[..., Any]) -> None:
    """Bool, int, float and str are listed while they wait, signalled from the CLI, and reach the task as such."""
    client.write("gates.py", MODULE)
    run = client.run("gates.py", "main", follow=False)
    eventually(lambda: len(client.actions_of(run)) == 5)
    actions = open_conditions(client, run)
    assert set(actions) == {"give_bool", "give_int", "give_float", "give_str"}
    assert run in client.flyte("get", "run", "--paused-only")
    assert "give_int" in client.flyte("get", "condition", run)
    assert "give_int" in client.flyte("get", "condition", run, "a0")
    assert "give_int" not in client.flyte("get", "condition", run, actions["give_bool"])

    wrong = client.try_flyte("signal", "condition", run, actions["give_int"], "perhaps")
    assert wrong.returncode != 0
    for name, value in (("give_bool", "true"), ("give_int", "42"), ("give_float", "0.5"), ("give_str", "some text")):
        client.flyte("signal", "condition", run, actions[name], value)
    again = client.try_flyte("signal", "condition", run, actions["give_bool"], "false")
    assert again.returncode != 0

    told = client.python(
        f"""
        flyte.init_from_config()
        run = flyte.remote.Run.get("{run}")
        run.wait(quiet=True)
        tell(outputs=list(run.outputs()))
        """
    )
    assert told["outputs"] == [True, 42, 0.5, "some text"]
    assert run not in client.flyte("get", "run", "--paused-only")


def test_a_condition_times_out(client: Client) -> None:
    """A condition nobody signals ends at its timeout, and the task is told."""
    client.write("gates.py", MODULE)
    run = client.run("gates.py", "impatient")
    told = client.python(
        f"""
        flyte.init_from_config()
        conditions = [one for one in flyte.remote.Action.listall(for_run_name="{run}") if one.name != "a0"]
        tell(outputs=list(flyte.remote.Run.get("{run}").outputs()), phases=[str(one.phase) for one in conditions])
        """
    )
    assert told["outputs"] != ["signalled"]
    assert [phase.rpartition(".")[2].lower() for phase in told["phases"]] == ["timed_out"]
