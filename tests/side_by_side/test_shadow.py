"""`flyte-bridge shadow`: what Flyte 1's schedule starts is repeated on Flyte 2."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2, literals_pb2

from flyte_bridge.backend.credentials import Fixed
from flyte_bridge.backend.grpc import GrpcCaller
from flyte_bridge.errors import SourceError
from flyte_bridge.side_by_side.control_plane import ControlPlane
from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
from flyte_bridge.side_by_side.shadow import SHADOW_OF, Shadow, Shadowed, ShadowOptions
from flyte_bridge.side_by_side.shadow_journal import ShadowJournal, path_of
from flyte_bridge_translators.fire_times import execution_name
from flyte_bridge_translators.wire.identifier import fnv1

from .conftest import DOMAIN, PROJECT, VERSION
from .proxy import Proxy

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import TwoSides

PREFIX = "s3://flyte/shadow-test"
PLAN = identifier_pb2.Identifier(
    resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name="every_day", version=VERSION
)


async def fire(v1: ControlPlane, at: datetime, plan: identifier_pb2.Identifier = PLAN) -> str:
    """What Flyte 1's scheduler does at a fire time, field by field."""
    spec = execution_pb2.ExecutionSpec(launch_plan=plan)
    spec.metadata.mode = execution_pb2.ExecutionMetadata.SCHEDULED
    spec.metadata.scheduled_at.FromDatetime(at)
    literal = literals_pb2.Literal()
    literal.scalar.primitive.datetime.FromDatetime(at)
    request = execution_pb2.ExecutionCreateRequest(
        project=PROJECT,
        domain=DOMAIN,
        name=execution_name(plan, at),
        spec=spec,
        inputs=literals_pb2.LiteralMap(literals={"at": literal}),
    )
    return (await v1.create(request)).name


def wanted(name: str = "every_day") -> LaunchPlanName:
    return LaunchPlanName(PROJECT, DOMAIN, name)


async def shadow(
    sides: tuple[ControlPlane, ControlPlane],
    journal: ShadowJournal,
    most: int,
    name: str = "every_day",
) -> list[Shadowed]:
    """Shadows a launch plan until so many executions have been told of."""
    told: list[Shadowed] = []
    stop = asyncio.Event()

    def tell(news: Shadowed | str) -> None:
        assert isinstance(news, Shadowed), news
        told.append(news)
        if len(told) >= most:
            stop.set()

    if not most:
        stop.set()
    options = ShadowOptions(PREFIX, poll=0.2)
    await asyncio.wait_for(Shadow(sides, wanted(name), options, journal, tell).run(stop), 120)
    return told


def test_shadowed(two: TwoSides, tmp_path: Path) -> None:
    """An execution of the schedule runs on Flyte 2 with its inputs, elsewhere, notifying nobody, once; then it is compared."""
    path = tmp_path / "journal.jsonl"

    async def work(v1: ControlPlane, v2: ControlPlane) -> tuple[list[Shadowed], Any, list[Shadowed]]:
        journal = ShadowJournal(path)
        before = datetime(2025, 4, 13, 6, tzinfo=timezone.utc)
        await fire(v1, before - timedelta(days=2))
        journal.begin(await Shadow((v1, v2), wanted(), ShadowOptions(PREFIX), journal, print).newest())
        names = [await fire(v1, before + timedelta(days=day)) for day in (0, 1)]
        told = await shadow((v1, v2), journal, 2)
        assert sorted(one.name for one in told) == sorted(names)
        [good] = [one for one in told if one.phases == ("SUCCEEDED", "SUCCEEDED")]
        identity = identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=good.shadow)
        repeated = await v2.execution(identity)
        assert (await v2.execution_data(identity))[0].literals["at"].scalar.primitive.datetime.ToJsonString() == good.at
        return told, repeated, await shadow((v1, v2), ShadowJournal(path), 0)

    told, repeated, again = two.run(work)
    assert {one.phases: one.verdict for one in told} == {
        ("FAILED", "FAILED"): "same",
        ("SUCCEEDED", "SUCCEEDED"): "same",
    }
    assert again == []
    name = repeated.spec.annotations.values[SHADOW_OF]
    assert repeated.spec.raw_output_data_config.output_location_prefix == f"{PREFIX}/{name}"
    assert repeated.spec.metadata.mode == execution_pb2.ExecutionMetadata.MANUAL
    assert repeated.id.name == f"s{fnv1(f'shadow:{name}'.encode()):016x}"


def test_on_the_command_line(two: TwoSides, tmp_path: Path) -> None:
    """It goes on where its journal stopped, ends when its time is over, and tells one line per execution."""
    at = datetime(2025, 5, 1, 6, tzinfo=timezone.utc)

    async def work(v1: ControlPlane, v2: ControlPlane) -> str:
        journal = ShadowJournal(path_of(two.settings.data_dir, v1.name, v2.name, str(wanted())))
        journal.begin(await Shadow((v1, v2), wanted(), ShadowOptions(PREFIX), journal, print).newest())
        return await fire(v1, at)

    name = two.run(work)
    page = tmp_path / "page.html"
    done = two.bridge("shadow", "every_day", "--for", "1s", "--poll", "0.2", "--json", "--html", page)
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = done.stdout.splitlines()
    assert json.loads(line)["name"] == name
    assert "1 same, 0 different, 0 not comparable" in done.stderr
    html = page.read_text()
    assert name in html
    assert '<span class="same">' in html
    assert "http" not in html


def test_a_version_that_is_not_on_flyte_2(two: TwoSides, tmp_path: Path) -> None:
    """A new version on Flyte 1 that Flyte 2 does not have is told by name, and shadowing goes on."""
    path = tmp_path / "journal.jsonl"

    async def work(v1: ControlPlane, v2: ControlPlane) -> list[Shadowed]:
        journal = ShadowJournal(path)
        for side in (v1, v2):
            await register(side, "renewed", VERSION)
        newest = await Shadow((v1, v2), wanted("renewed"), ShadowOptions(PREFIX), journal, print).newest()
        journal.begin(newest)
        renewed = await register(v1, "renewed", "v2")
        await fire(v1, datetime(2025, 6, 1, 6, tzinfo=timezone.utc), renewed)
        return await shadow((v1, v2), journal, 1, "renewed")

    [told] = two.run(work)
    assert (told.verdict, told.version) == ("not comparable", "v2")
    assert "has no version 'v2' of renewed: register it there, or import it" in told.reason


def test_a_version_that_changes_meanwhile(two: TwoSides, tmp_path: Path) -> None:
    """A new version that is on both sides is repeated in that version, beside fires of the old one."""

    async def work(v1: ControlPlane, v2: ControlPlane) -> list[Shadowed]:
        journal = ShadowJournal(tmp_path / "journal.jsonl")
        old, _ = [await register(side, "changed", VERSION) for side in (v1, v2)]
        journal.begin(await Shadow((v1, v2), wanted("changed"), ShadowOptions(PREFIX), journal, print).newest())
        await fire(v1, datetime(2025, 7, 1, 6, tzinfo=timezone.utc), old)
        new, _ = [await register(side, "changed", "v2") for side in (v1, v2)]
        told = await shadow((v1, v2), journal, 1, "changed")
        await fire(v1, datetime(2025, 7, 2, 6, tzinfo=timezone.utc), new)
        told += await shadow((v1, v2), journal, 1, "changed")
        for one in told:
            identity = identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=one.shadow)
            assert (await v2.execution(identity)).spec.launch_plan.version == one.version
        return told

    assert [(one.version, one.verdict) for one in two.run(work)] == [(VERSION, "same"), ("v2", "same")]


def test_flyte_1_breaks_away_half_way(two: TwoSides, tmp_path: Path) -> None:
    """While Flyte 1 is out of reach it is told, and gone on trying; each execution is repeated once when it is back."""

    async def work(v1: ControlPlane, v2: ControlPlane) -> tuple[list[Shadowed], list[str]]:
        proxy = Proxy(two.v1.endpoint)
        assert two.v1.access is not None
        token = Fixed(two.v1.access.token)
        plan, _ = [await register(side, "broken_away", VERSION) for side in (v1, v2)]
        endpoint = await proxy.start(two.proxy_port)
        caller = GrpcCaller(endpoint, insecure=True, credentials=token, patience=0.1, name="Flyte 1")
        journal = ShadowJournal(tmp_path / "journal.jsonl")
        told: list[Shadowed] = []
        said: list[str] = []
        stop = asyncio.Event()

        async def mend() -> None:
            await fire(v1, datetime(2025, 8, 2, 6, tzinfo=timezone.utc), plan)
            await proxy.start(two.proxy_port)

        mending: list[asyncio.Task[None]] = []

        def tell(news: Shadowed | str) -> None:
            if isinstance(news, str):
                said.append(news)
                mending.append(asyncio.ensure_future(mend()))
                return
            told.append(news)
            if len(told) == 1:
                proxy.drop()
            else:
                stop.set()

        options = ShadowOptions(PREFIX, poll=0.1)
        broken = Shadow(
            (ControlPlane("Flyte 1", caller, v1.objects), v2), wanted("broken_away"), options, journal, tell
        )
        journal.begin(await broken.newest())
        await fire(v1, datetime(2025, 8, 1, 6, tzinfo=timezone.utc), plan)
        await asyncio.wait_for(broken.run(stop), 120)
        proxy.drop()
        await caller.close()
        return told, said

    told, said = two.run(work)
    assert [one.verdict for one in told] == ["same", "same"]
    assert said == [text for text in said if text.endswith("looking goes on")] != []


async def register(side: ControlPlane, name: str, version: str) -> identifier_pb2.Identifier:
    """The daily launch plan under a name of this test's own, since others ask for the newest version of the shared one."""
    identity = identifier_pb2.Identifier()
    identity.CopyFrom(PLAN)
    identity.name, identity.version = name, version
    known = await side.launch_plan(PLAN)
    request = launch_plan_pb2.LaunchPlanCreateRequest(id=identity, spec=known.spec)
    await side.caller.unary(
        "/flyteidl.service.AdminService/CreateLaunchPlan", request, launch_plan_pb2.LaunchPlanCreateResponse
    )
    return identity


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("every_dya", "--for", "1s"), "did you mean 'every_day'?"),
        (("by_hand", "--for", "1s"), "it has no schedule, so there is nothing to shadow"),
        (("every_day", "--for", "soon"), "'soon' is no length of time; write 7d, 12h30m or seconds"),
        (("every_day", "--for", "0s"), "'0s' is no length of time"),
    ],
)
def test_bad_input(two: TwoSides, words: tuple[str, ...], said: str) -> None:
    """What cannot be shadowed is told, and exits with 2."""
    done = two.bridge("shadow", *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr


def test_interrupted(two: TwoSides, tmp_path: Path) -> None:
    """Ctrl-C while it looks on exits with 130, says what came, and keeps its journal."""
    page = tmp_path / "page.html"
    command = [
        sys.executable,
        "-m",
        "flyte_bridge_cli.main",
        "shadow",
        "every_hour",
        "--for",
        "1h",
        "--html",
        str(page),
    ]
    with subprocess.Popen(command, env={**os.environ, **two.env}, stderr=subprocess.PIPE, text=True) as running:
        until = time.monotonic() + 60
        while not page.exists():  # it is written when looking begins
            assert time.monotonic() < until
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1]
    assert running.returncode == 130, said
    assert "interrupted after 0 same, 0 different, 0 not comparable" in said
    assert "Traceback" not in said


def test_an_endpoint_wants_a_prefix(two: TwoSides) -> None:
    """On an endpoint it must be said where Flyte 2 may write."""
    done = two.bridge("shadow", "every_day", "--for", "1s", FLYTE_BRIDGE_ENDPOINT="127.0.0.1:1")
    assert done.returncode == 2
    assert "--raw-output-prefix: say where Flyte 2 may write" in done.stderr


def test_a_journal_that_was_cut_off(tmp_path: Path) -> None:
    """The last line of a journal may be cut off by a crash; then it was never written. Something else is refused."""
    path = tmp_path / "journal.jsonl"
    journal = ShadowJournal(path)
    journal.begin(7.0)
    journal.add(Shadowed("a", "t", "v"))
    journal.add(Shadowed("b", "t", "v"))
    path.write_bytes(path.read_bytes()[:-9])
    again = ShadowJournal(path)
    assert (again.since, again.done) == (7.0, {"a"})
    again.add(Shadowed("c", "t", "v"))
    assert ShadowJournal(path).done == {"a", "c"}
    path.write_text("nonsense\n")
    with pytest.raises(SourceError, match="is no journal of a shadow"):
        ShadowJournal(path)
