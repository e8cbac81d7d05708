"""The CLI's verbs against the embedded backend: list, abort, rerun, and what projects, secrets and triggers need."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..conftest import Client

SLEEPER = """
    import asyncio
    import flyte

    env = flyte.TaskEnvironment(name="{env}")

    @env.task
    async def sleeper() -> None:
        print("sleeping", flush=True)
        await asyncio.sleep(120)

    @env.task
    async def parent() -> None:
        await asyncio.gather(sleeper(), sleeper())
"""


def test_whoami(client: Client) -> None:
    """`flyte whoami` names the user of this machine."""
    assert client.flyte("whoami").strip()


def test_abort_run_ends_the_whole_tree(client: Client, eventually: Callable[..., Any]) -> None:
    """`flyte abort run` aborts root and children with the reason; a second time it is refused or harmless."""
    client.write("aborted.py", SLEEPER.format(env="aborted"))
    run = client.run("aborted.py", "parent", follow=False)
    eventually(lambda: len(client.actions_of(run)) == 3)
    client.flyte("abort", "run", run, "--reason", "enough of it")
    told = client.python(
        f"""
        flyte.init_from_config()
        actions = list(flyte.remote.Action.listall(for_run_name="{run}"))
        details = flyte.remote.ActionDetails.get(run_name="{run}", name="a0")
        tell(phases=sorted({{str(one.phase).rpartition(".")[2].lower() for one in actions}}),
             reason=details.abort_info.reason)
        """
    )
    assert told == {"phases": ["aborted"], "reason": "enough of it"}
    client.try_flyte("abort", "run", run)
    assert client.phase_of(run) == "aborted"


def test_abort_action_fails_the_parent(client: Client, eventually: Callable[..., Any]) -> None:
    """`flyte abort action` ends one child; its parent learns of it and fails."""
    client.write("aborted.py", SLEEPER.format(env="aborted_action"))
    run = client.run("aborted.py", "parent", follow=False)
    eventually(lambda: len(client.actions_of(run)) == 3)
    children = [one["id"]["name"] for one in client.actions_of(run) if one["id"]["name"] != "a0"]
    client.flyte("abort", "action", run, children[0])
    assert eventually(lambda: ended if (ended := client.phase_of(run)) in {"failed", "aborted"} else None)
    error = client.flyte("get", "action", run, "a0")
    assert "abort" in error.lower()


RERUN = """
    import time
    from pathlib import Path
    import flyte

    env = flyte.TaskEnvironment(name="again")

    @env.task
    async def first(x: int) -> float:
        return time.time()

    @env.task
    async def second(flag: str) -> str:
        if not Path(flag).exists():
            raise RuntimeError("not yet")
        return "done"

    @env.task
    async def main(flag: str, x: int = 1) -> tuple[float, str, int]:
        return await first(x), await second(flag), x
"""


def test_rerun_with_and_without_recover(client: Client) -> None:
    """`flyte rerun` runs all again with the same or other inputs; `--recover` keeps what had succeeded."""
    client.write("again.py", RERUN)
    flag = client.where / "flag"
    run = client.run("again.py", "main", "--flag", str(flag), phase=None)
    assert client.phase_of(run) == "failed"
    flag.touch()
    ran = {}
    for name, options in (("plain", []), ("recovered", ["--recover"]), ("changed", ["--x", "5"])):
        client.flyte("rerun", run, "--name", f"{run[:20]}-{name}", *options)
        ran[name] = client.python(
            f"""
            flyte.init_from_config()
            run = flyte.remote.Run.get("{run[:20]}-{name}")
            run.wait(quiet=True)
            actions = [flyte.remote.ActionDetails.get(run_name=run.name, name=one.name)
                       for one in flyte.remote.Action.listall(for_run_name=run.name)]
            tell(outputs=list(run.outputs()),
                 phases={{one.task_name: str(one.phase).rpartition(".")[2].lower() for one in actions}})
            """
        )
    first = client.python(
        f"""
        import asyncio
        flyte.init_from_config()
        child = [one for one in flyte.remote.Action.listall(for_run_name="{run}") if one.task_name == "again.first"][0]
        details = flyte.remote.ActionDetails.get(run_name="{run}", name=child.name)
        tell(at=asyncio.run(details.outputs())[0])
        """
    )["at"]
    assert ran["plain"]["outputs"][0] > first
    assert ran["plain"]["outputs"][1:] == ["done", 1]
    assert ran["recovered"]["outputs"] == [first, "done", 1]
    assert ran["recovered"]["phases"] == {
        "again.main": "succeeded",
        "again.first": "recovered",
        "again.second": "succeeded",
    }
    assert ran["changed"]["outputs"][1:] == ["done", 5]


def test_projects(client: Client) -> None:
    """Projects are created, read, changed, archived and listed; a bad id and a second one of that id are refused."""
    client.flyte("create", "project", "--id", "team-a", "--name", "Team A", "--description", "d", "-l", "k=v")
    assert "Team A" in client.flyte("get", "project", "team-a")
    assert "team-a" in client.flyte("get", "project")
    client.flyte("update", "project", "team-a", "--description", "other")
    assert "other" in client.flyte("get", "project", "team-a")
    client.flyte("update", "project", "team-a", "--archive")
    assert "team-a" not in client.flyte("get", "project")
    assert "team-a" in client.flyte("get", "project", "--archived")
    assert client.try_flyte("create", "project", "--id", "team-a", "--name", "again").returncode != 0
    assert client.try_flyte("create", "project", "--id", "Not A Name", "--name", "x").returncode != 0
    assert client.try_flyte("get", "project", "nowhere").returncode != 0


def test_secrets(client: Client) -> None:
    """Secrets are created from values and files, listed without their values, and deleted."""
    client.flyte("create", "secret", "verb-one", "--value", "hush")
    path = client.write("secret.bin", "")
    path.write_bytes(b"\\x00\\xff")
    client.flyte("create", "secret", "verb-two", "--from-file", str(path))
    listed = client.flyte("get", "secret")
    assert "verb-one" in listed
    assert "verb-two" in listed
    assert "hush" not in listed
    assert "verb-one" in client.flyte("get", "secret", "verb-one")
    client.flyte("delete", "secret", "verb-one")
    assert "verb-one" not in client.flyte("get", "secret")


def test_tasks_are_listed_with_their_versions(client: Client) -> None:
    """`flyte get task` lists each task's latest version, and shows any version by name."""
    client.write("listed.py", SLEEPER.format(env="listed"))
    client.flyte("deploy", "--version", "v1", "listed.py", "env")
    client.flyte("deploy", "--version", "v2", "listed.py", "env")
    assert "listed.sleeper" in client.flyte("get", "task")
    assert "v2" in client.flyte("get", "task", "listed.sleeper")
    assert "v1" in client.flyte("get", "task", "listed.sleeper", "v1")
    assert client.try_flyte("get", "task", "listed.sleeper", "v3").returncode != 0


def test_triggers_of_a_deployed_task(client: Client) -> None:
    """A trigger deployed with its task is listed; others are created, deactivated, activated and deleted by name."""
    client.write(
        "triggered.py",
        """
        from datetime import datetime
        import flyte

        env = flyte.TaskEnvironment(name="triggered")

        @env.task(triggers=flyte.Trigger("nightly", flyte.Cron("0 3 * * *", timezone="Europe/London"),
                                         inputs={"at": flyte.TriggerTime, "x": 7}))
        async def report(at: datetime, x: int = 1) -> str:
            return f"{at.isoformat()} {x}"
        """,
    )
    client.flyte("deploy", "--version", "v1", "triggered.py", "env")
    assert "0 3 * * * (Europe/London)" in client.flyte("get", "trigger")
    assert "nightly" in client.flyte("get", "trigger", "triggered.report", "nightly")
    client.flyte(
        "create", "trigger", "triggered.report", "hourly", "--schedule", "0 * * * *", "--trigger-time-var", "at"
    )
    triggers = {one["id"]["name"]["name"]: one for one in client.json("get", "trigger")}
    assert {"nightly", "hourly"} <= set(triggers)
    bad = client.try_flyte(
        *["create", "trigger", "triggered.report", "bad"], "--trigger-time-var", "at", "--schedule", "61 * * * *"
    )
    assert bad.returncode != 0
    assert "minute" in bad.stdout + bad.stderr

    client.flyte("update", "trigger", "hourly", "triggered.report", "--deactivate")
    told = client.python(
        """
        flyte.init_from_config()
        got = flyte.remote.TriggerDetails.get(name="hourly", task_name="triggered.report")
        tell(active=got.is_active, revision=got.pb2.id.revision)
        """
    )
    assert told == {"active": False, "revision": 2}
    client.flyte("update", "trigger", "hourly", "triggered.report", "--activate")
    client.flyte("delete", "trigger", "hourly", "triggered.report")
    assert "hourly" not in client.flyte("get", "trigger")


def test_a_trigger_fires_by_itself(client: Client, eventually: Callable[..., Any]) -> None:
    """A fixed rate whose start comes makes a run with the trigger's inputs and that time, by the server's own clock."""
    client.write(
        "soon.py",
        """
        from datetime import datetime
        import flyte

        env = flyte.TaskEnvironment(name="soon")

        @env.task
        async def report(at: datetime, x: int = 1) -> str:
            return f"{at.isoformat()} {x}"
        """,
    )
    start = client.python(
        """
        from datetime import datetime, timedelta, timezone
        import soon
        flyte.init_from_config()
        flyte.deploy(soon.env, version="v1")
        start = (datetime.now(timezone.utc) + timedelta(seconds=2)).replace(microsecond=0)
        inputs = {"at": flyte.TriggerTime, "x": 7}
        trigger = flyte.Trigger("soon", flyte.FixedRate(1, start_time=start), inputs=inputs)
        flyte.remote.Trigger.create(trigger, task_name="soon.report")
        tell(start=start.isoformat())
        """
    )["start"]
    name = {"project": "flytesnacks", "domain": "development", "taskName": "soon.report", "name": "soon"}
    ours = {"triggerName": name, "request": {"limit": 5}}
    # On a machine so busy that the start was missed, the next fire time is a minute later.
    runs = eventually(lambda: client.rpc("ListRuns", ours).get("runs"), timeout=90)
    told = client.python(
        f"""
        flyte.init_from_config()
        run = flyte.remote.Run.get("{runs[-1]["action"]["id"]["run"]["name"]}")
        run.wait(quiet=True)
        tell(output=run.outputs()[0], trigger=run.pb2.action.metadata.trigger_name)
        """
    )
    at, x = told["output"].split()
    assert x == "7"
    assert (datetime.fromisoformat(at) - datetime.fromisoformat(start)).total_seconds() % 60 == 0
    assert told["trigger"] == "soon"
    client.flyte("delete", "trigger", "soon", "soon.report")


def test_run_filters(client: Client) -> None:
    """`Run.listall` filters by phase, task, version, labels, keys and times, sorts and limits, and so does the CLI."""
    client.write(
        "filtered.py",
        """
        import flyte

        env = flyte.TaskEnvironment(name="filtered")

        @env.task
        async def ok() -> int:
            return 1

        @env.task
        async def bad() -> int:
            raise ValueError("bad")
        """,
    )
    told = client.python(
        """
        import filtered
        from datetime import datetime, timedelta, timezone
        from flyte.remote import Run, TimeFilter
        flyte.init_from_config()
        begin = datetime.now(timezone.utc)
        ok = flyte.with_runcontext(labels={"suite": "filters", "kind": "ok"}, version="f1").run(filtered.ok)
        bad = flyte.with_runcontext(labels={"suite": "filters"}, version="f2").run(filtered.bad)
        ok.wait(quiet=True)
        bad.wait(quiet=True)

        def names(**how):
            return [{ok.name: "ok", bad.name: "bad"}.get(run.name, run.name) for run in Run.listall(**how)]

        mine = {"suite": "filters"}
        tell(
            succeeded=names(in_phase=("succeeded",), with_labels=mine),
            ended=sorted(names(in_phase=("succeeded", "failed"), with_labels=mine)),
            task=names(task_name="filtered.ok"),
            version=names(task_name="filtered.bad", task_version="f2"),
            none=names(task_name="filtered.bad", task_version="f1"),
            key=names(with_label_keys=["kind"], with_labels=mine),
            newest=names(sort_by=("created_at", "desc"), with_labels=mine),
            oldest=names(sort_by=("created_at", "asc"), with_labels=mine),
            limited=len(names(limit=1)),
            since=sorted(names(created_at=TimeFilter(after=begin - timedelta(seconds=1)), with_labels=mine)),
            before=names(created_at=TimeFilter(before=begin - timedelta(days=1)), with_labels=mine),
            elsewhere=names(domain="staging", with_labels=mine),
            run=ok.name,
        )
        """
    )
    run = told.pop("run")
    assert told == {
        "succeeded": ["ok"],
        "ended": ["bad", "ok"],
        "task": ["ok"],
        "version": ["bad"],
        "none": [],
        "key": ["ok"],
        "newest": ["bad", "ok"],
        "oldest": ["ok", "bad"],
        "limited": 1,
        "since": ["bad", "ok"],
        "before": [],
        "elsewhere": [],
    }
    listed = client.flyte("get", "run", "--with-label", "suite=filters", "--in-phase", "succeeded")
    assert run in listed
    assert run in client.flyte("get", "run", "--with-label-key", "kind")
    assert run not in client.flyte("get", "run", "--task-name", "filtered.bad")


def test_bad_requests_are_refused_with_a_reason(client: Client) -> None:
    """An unknown project, an unknown run and a run name that cannot be are told apart, in words."""
    client.write("refused.py", SLEEPER.format(env="refused"))
    nowhere = client.try_flyte("run", "--project", "nowhere", "refused.py", "sleeper")
    assert nowhere.returncode != 0
    assert "nowhere" in nowhere.stdout + nowhere.stderr
    missing = client.try_flyte("get", "run", "no-such-run")
    assert missing.returncode != 0
    assert "no-such-run" in missing.stdout + missing.stderr
    named = client.try_flyte("run", "--name", "x" * 31, "refused.py", "sleeper")
    assert named.returncode != 0
    assert "30" in named.stdout + named.stderr
