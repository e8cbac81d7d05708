"""Logs by the real CLI and SDK: of runs that are over, that are running, and that never began."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..conftest import Client

MODULE = """
    import os
    import sys
    import time

    import flyte

    env = flyte.TaskEnvironment(name="talks")
    lost = flyte.TaskEnvironment(name="lost", secrets="no-such-secret")

    @env.task(retries=1)
    async def twice() -> None:
        print("attempt", os.environ["FLYTE_ATTEMPT_NUMBER"], "speaks", flush=True)
        print("to standard error", file=sys.stderr)
        if os.environ["FLYTE_ATTEMPT_NUMBER"] == "0":
            raise RuntimeError("once more")

    @env.task
    async def slowly() -> None:
        for number in range(6):
            print("line", number, flush=True)
            time.sleep(0.7)

    @env.task
    async def much() -> None:
        for number in range(20_000):
            print("number", number)

    @env.task
    async def waits(mark: str) -> None:
        print("goes on", flush=True)
        for _ in range(600):
            if os.path.exists(mark):
                break
            time.sleep(0.1)
        print("was heard", os.path.exists(mark), flush=True)

    @env.task
    async def quietly() -> None:
        print("before", flush=True)
        time.sleep(33)
        print("after", flush=True)

    @lost.task
    async def never() -> None:
        pass
"""


def test_logs_of_a_run_that_is_over(client: Client) -> None:
    """`flyte get logs` shows the last attempt, or the one asked for, with standard error, and ends."""
    client.write("talks.py", MODULE)
    run = client.run("talks.py", "twice")
    last = client.flyte("get", "logs", run)
    assert "attempt 1 speaks" in last
    assert "to standard error" in last
    assert "attempt 0 speaks" in client.flyte("get", "logs", run, "--attempt", "1")
    assert "1970" not in client.flyte("get", "logs", run, "--show-ts")
    assert "attempt 1 speaks" in client.flyte("get", "logs", run, "a0", "--pretty")


def test_following_a_run(client: Client) -> None:
    """`flyte run --follow` shows each line once, in order, and ends with the task."""
    client.write("talks.py", MODULE)
    text = client.flyte("run", "--follow", "talks.py", "slowly")
    assert [text.count(f"line {number}\n") for number in range(6)] == [1] * 6, text
    assert text.index("line 0") < text.index("line 3") < text.index("line 5")


def test_following_a_quiet_run(client: Client) -> None:
    """A task that says nothing for longer than the SDK's patience (30 s) is followed to its end."""
    client.write("talks.py", MODULE)
    text = client.flyte("run", "--follow", "talks.py", "quietly")
    assert "before\n" in text
    assert "after\n" in text


def test_tailing_a_running_action(client: Client) -> None:
    """The SDK's tail gives a line while the task is still running: the task goes on only once the line was seen."""
    client.write("talks.py", MODULE)
    mark = client.where / "seen"
    run = client.run("talks.py", "waits", "--mark", str(mark), follow=False)
    told = client.python(
        f"""
        import pathlib
        flyte.init_from_config()
        seen = []
        for line in flyte.remote.Action.get(run_name="{run}", name="a0").get_logs():
            if "goes on" in line or "was heard" in line:
                seen.append(line.split()[-1])
                pathlib.Path({str(mark)!r}).touch()
        tell(seen=seen)
        """
    )
    assert told["seen"] == ["on", "True"]


def test_a_long_log_is_whole(client: Client) -> None:
    """Twenty thousand lines come all, and in order."""
    client.write("talks.py", MODULE)
    run = client.run("talks.py", "much", follow=False)
    told = client.python(
        f"""
        flyte.init_from_config()
        flyte.remote.Run.get("{run}").wait(quiet=True)
        lines = flyte.remote.Action.get(run_name="{run}", name="a0").get_logs()
        tell(numbers=[int(line.split()[-1]) for line in lines if "number" in line])
        """
    )
    assert told["numbers"] == list(range(20_000))


def test_an_attempt_that_was_refused_says_why(client: Client) -> None:
    """Where no process was started there is no log; what is shown instead is the reason."""
    client.write("talks.py", MODULE)
    run = client.run("talks.py", "never", phase="failed")
    assert "flyte create secret no-such-secret" in client.flyte("get", "logs", run)


def test_what_has_no_log_is_said(client: Client) -> None:
    """An unknown run, action or attempt is an error, not an empty log."""
    client.write("talks.py", MODULE)
    run = client.run("talks.py", "much", follow=False)
    client.python(f'flyte.init_from_config(); flyte.remote.Run.get("{run}").wait(quiet=True)')
    for words in (("no-such-run",), (run, "no-such-action"), (run, "a0", "--attempt", "7")):
        done = client.try_flyte("get", "logs", *words)
        assert done.returncode != 0, done.stdout
        assert "number" not in done.stdout
