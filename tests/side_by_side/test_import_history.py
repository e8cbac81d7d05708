"""`flyte-bridge import --history`: executions of Flyte 1 that have ended, as records on Flyte 2.

The clocks of these two sides are apart: Flyte 1's is behind, Flyte 2's ahead. Only a cut-over minds: it refuses.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import common_pb2, execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.errors import AlreadyExists, FailedPrecondition, Unimplemented
from flyte_bridge.side_by_side.control_plane import ADMIN
from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
from flyte_bridge.side_by_side.shadow import Shadow, Shadowed, ShadowOptions
from flyte_bridge.side_by_side.shadow_journal import ShadowJournal
from flyte_bridge_translators.wire.past_execution import IMPORTED_FROM

from .conftest import CODE, DOMAIN, PROJECT, TwoSides, killed_work, two_backends

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.side_by_side.control_plane import ControlPlane

POLL = timedelta(seconds=0.3)
NODE = core_execution_pb2.NodeExecution
APART = 75.0
CREATE = {"failed": "past", "fine": "plain", "again": "plain"}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TwoSides, dict[str, Any]]]:
    """Flyte 1 with three executions that have ended, and a Flyte 2 into which they were imported; what that told."""
    with two_backends(tmp_path_factory.mktemp("history"), apart=APART) as sides:
        words = ("register", CODE / "past.py", "--version", "v", "--image", "local/flytekit:1")
        done = sides.bridge(*words, FLYTE_BRIDGE_DATA_DIR=sides.v1.data_dir)
        assert done.returncode == 0, done.stdout + done.stderr
        remote = sides.remote("v1")
        running = []
        for name, workflow in CREATE.items():
            entity = remote.fetch_workflow(PROJECT, DOMAIN, f"past.{workflow}", "v")
            running.append(remote.execute(entity, {"n": 2}, execution_name=name))
        until = time.monotonic() + 60
        while not remote.list_signals("failed"):
            assert time.monotonic() < until
            time.sleep(0.1)
        remote.set_signal("given", "failed", 5, python_type=int)
        for execution in running:
            remote.wait(execution, poll_interval=POLL)
        code, told, said = bring(sides)
        assert code == 0, said
        yield sides, told


def bring(sides: TwoSides, *words: str) -> tuple[int, dict[str, Any], str]:
    """`flyte-bridge import --history --json`: its exit code, what it told, and its standard error."""
    done = sides.bridge("import", "--from-admin", sides.v1.endpoint, "--history", "--json", "--rate", "500", *words)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def identity(name: str) -> identifier_pb2.WorkflowExecutionIdentifier:
    return identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def test_imported(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """All that has ended is there and the same, children too, at about a call for each; again, nothing is copied."""
    sides, told = history
    assert told["summary"]["execution"] == {"same": 4}
    past = told["history"]
    assert (past["executions"], past["writes"]) == (4, 5)
    lists = 10  # one for each project and domain, which here weigh much
    entities = past["executions"] + past["nodes"] + past["task_executions"]
    assert past["reads"] <= 1.1 * entities + lists
    assert past["writes"] <= 1.1 * entities
    assert any("executions that have not ended" in lost for lost in told["lost"])
    code, again, said = bring(sides)
    assert (code, again["history"]["executions"], again["history"]["writes"]) == (0, 0, 0), said
    assert again["history"]["reads"] <= 10
    assert again["summary"]["execution"] == {"same": 4}


def test_told_as_flyte_1_told_it(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """Executions, nodes, attempts and values are the messages that Flyte 1 gives, whole; the annotation says what it is."""
    sides, _ = history

    async def whole(plane: ControlPlane, name: str) -> dict[str, Any]:
        execution = await plane.execution(identity(name))
        execution.spec.annotations.values.pop(IMPORTED_FROM, None)
        execution.spec.annotations.SetInParent()
        execution.closure.ClearField("outputs")  # lists of the embedded backend do not say where outputs lie
        told: dict[str, Any] = {"": execution, "data": await plane.execution_data(execution.id)}
        parents = [""]
        while parents:
            for node in await plane.nodes(execution.id, parents.pop()):
                data = await plane.node_data(node.id)
                for side in ("inputs", "outputs"):  # sizes and URLs
                    data.ClearField(side)  # type: ignore[arg-type]
                one = await plane.node(node.id)
                told[node.id.node_id] = (one, await plane.attempts(node.id))
                if (
                    node.metadata.spec_node_id not in ("start-node", "end-node")
                    and node.closure.phase == NODE.SUCCEEDED
                ):
                    told[f"{node.id.node_id} data"] = data
                if node.metadata.is_parent_node:
                    parents.append(node.id.node_id)
        return told

    async def both(v1: ControlPlane, v2: ControlPlane) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [(await whole(v1, name), await whole(v2, name)) for name in CREATE]

    for theirs, ours in sides.run(both):
        assert theirs.keys() == ours.keys()
        for key in theirs:
            assert theirs[key] == ours[key], key
    imported = sides.run(lambda _, v2: v2.execution(identity("fine")))
    assert imported.spec.annotations.values[IMPORTED_FROM].startswith("Flyte 1 (127.0.0.1:")


def test_listed(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """Records and runs are one list, in any order, by any filter, page by page; none is told twice."""
    sides, _ = history
    remote = sides.remote("v2")
    entity = remote.fetch_workflow(PROJECT, DOMAIN, "past.plain", "v")
    remote.wait(remote.execute(entity, {"n": 1}, execution_name="ours"), poll_interval=POLL)

    async def pages(plane: ControlPlane, filters: str, limit: int, *, newest: bool) -> list[str]:
        names: list[str] = []
        token = ""
        while True:
            request = common_pb2.ResourceListRequest(
                id=common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN),
                limit=limit,
                token=token,
                filters=filters,
                sort_by=common_pb2.Sort(key="created_at", direction=0 if newest else 1),
            )
            page = await plane.caller.unary(f"{ADMIN}ListExecutions", request, execution_pb2.ExecutionList)
            assert len(page.executions) <= limit
            names += [execution.id.name for execution in page.executions]
            token = page.token
            if not token:
                return names

    async def look(v1: ControlPlane, v2: ControlPlane) -> None:
        plain = "eq(workflow.name,past.plain)"
        for limit in (1, 2, 3, 100):
            assert await pages(v2, plain, limit, newest=True) == ["ours", "again", "fine"]
            assert await pages(v2, plain, limit, newest=False) == ["fine", "again", "ours"]
            assert await pages(v2, "eq(phase,FAILED)", limit, newest=False) == ["failed"]
        assert await pages(v2, "eq(execution_name,fine)", 5, newest=True) == ["fine"]

    sides.run(look)


def test_read_only(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """A record cannot be aborted, its name is taken, and where its time went is asked where it ran; it can be archived."""
    sides, _ = history

    async def work(v1: ControlPlane, v2: ControlPlane) -> None:
        abort = execution_pb2.ExecutionTerminateRequest(id=identity("fine"), cause="no")
        with pytest.raises(FailedPrecondition, match="already terminated"):
            await v2.caller.unary(f"{ADMIN}TerminateExecution", abort, execution_pb2.ExecutionTerminateResponse)
        metrics = execution_pb2.WorkflowExecutionGetMetricsRequest(id=identity("fine"), depth=1)
        reply = execution_pb2.WorkflowExecutionGetMetricsResponse
        with pytest.raises(Unimplemented, match="is a record of Flyte 1"):
            await v2.caller.unary(f"{ADMIN}GetExecutionMetrics", metrics, reply)
        spec = (await v2.execution(identity("fine"))).spec
        create = execution_pb2.ExecutionCreateRequest(
            project=PROJECT, domain=DOMAIN, name="again", spec=execution_pb2.ExecutionSpec(launch_plan=spec.launch_plan)
        )
        with pytest.raises(AlreadyExists, match="is kept as a record: give another name"):
            await v2.create(create)
        for state in (execution_pb2.EXECUTION_ARCHIVED, execution_pb2.EXECUTION_ACTIVE):
            update = execution_pb2.ExecutionUpdateRequest(id=identity("again"), state=state)
            await v2.caller.unary(f"{ADMIN}UpdateExecution", update, execution_pb2.ExecutionUpdateResponse)
            assert (await v2.execution(identity("again"))).closure.state_change_details.state == state

    sides.run(work)


def test_fetched_and_relaunched(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """flytekit's FlyteRemote fetches an old execution with its nodes and outputs, and relaunches it, fixed inputs and all."""
    sides, _ = history
    remote = sides.remote("v2")
    old = remote.sync(remote.fetch_execution(PROJECT, DOMAIN, "fine"), sync_nodes=True)
    assert old.outputs["o0"] == 3
    assert old.node_executions["n0"].outputs["o0"] == 3
    again = remote.client.relaunch_execution(old.id, "relaunched")
    ended = remote.wait(remote.fetch_execution(PROJECT, DOMAIN, again.name), poll_interval=POLL)
    assert ended.outputs["o0"] == 3
    assert IMPORTED_FROM not in ended.spec.annotations.values
    assert ended.spec.metadata.reference_execution.name == "fine"


def test_recovered(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """An old execution that failed is recovered on Flyte 2: what had succeeded keeps its values, random ones too."""
    sides, _ = history
    remote = sides.remote("v2")
    old = remote.sync(remote.fetch_execution(PROJECT, DOMAIN, "failed"), sync_nodes=True)
    assert old.error is not None
    assert "not on Flyte 1" in old.error.message
    recovered = remote.client.recover_execution(old.id, "recovered")
    ended = remote.sync(
        remote.wait(remote.fetch_execution(PROJECT, DOMAIN, recovered.name), poll_interval=POLL), sync_nodes=True
    )
    assert ended.closure.phase == core_execution_pb2.WorkflowExecution.SUCCEEDED, ended.error
    kept = {name: node for name, node in old.node_executions.items() if node.closure.phase == NODE.SUCCEEDED}
    assert len(kept) >= 7
    for name, node in kept.items():
        if name not in ("start-node", "end-node") and node.outputs is not None:
            assert ended.node_executions[name].outputs.literals == node.outputs.literals, name
    dice, rolled, spread_out = (kept[name].outputs["o0"] for name in ("n1", "n2", "n4"))
    assert (ended.outputs["o0"], ended.outputs["o1"], ended.outputs["o2"]) == (dice, rolled, spread_out)
    assert ended.outputs["o3"] == pytest.approx(dice + rolled + spread_out + 5 + 3 + 5)


def test_killed_at_any_moment(history: tuple[TwoSides, dict[str, Any]], tmp_path: Path) -> None:
    """Killed (SIGKILL) at random moments, an import brings each version and each execution once; its state is readable."""
    sides, _ = history
    told = killed_work(sides, "import", tmp_path / "work")
    assert {name: told[name] for name in ("lost", "doubled", "stuck", "unreadable")} == dict.fromkeys(
        ("lost", "doubled", "stuck", "unreadable"), 0
    ), told


def test_a_backfill_with_clocks_apart(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """Dates run and are the same, however far the sides' clocks are from each other and from ours."""
    sides, _ = history
    words = ("at_six:v", "--from", "2024-03-01", "--to", "2024-03-03", "--on", "both", "--json")
    done = sides.bridge("backfill", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [date["verdict"] for date in json.loads(done.stdout)["dates"]] == ["same", "same"]


def test_a_record_is_no_run_of_its_date(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """A date whose execution of Flyte 1 was imported runs on Flyte 2 all the same, and a record says nothing of its original."""
    sides, _ = history
    words = ("at_six:v", "--from", "2024-04-01", "--to", "2024-04-02", "--json")
    assert sides.bridge("backfill", *words, "--on", "v1").returncode == 0
    code, told, said = bring(sides)
    assert told["summary"]["execution"]["same"] >= 5, said  # what `backfill --on both` ran on Flyte 2 itself is refused
    assert (code, len(told["refused"])) == (1, told["summary"]["execution"]["refused"])
    done = sides.bridge("backfill", *words, "--on", "both")
    assert done.returncode == 0, done.stdout + done.stderr
    [date] = json.loads(done.stdout)["dates"]
    assert date["verdict"] == "same"
    ran, again = date["sides"]["v1"]["name"], date["sides"]["v2"]["name"]
    assert (ran[-3:], again[-3:], ran[:-3]) == ("000", "001", again[:-3])
    done = sides.bridge("compare", f"v1:{ran}", f"v2:{ran}")
    assert done.returncode == 7, done.stdout + done.stderr
    assert "is the record of that execution itself, imported from Flyte 1" in done.stdout
    done = sides.bridge("compare", f"v2:{ran}", f"v2:{again}")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_shadow_with_clocks_apart(history: tuple[TwoSides, dict[str, Any]], tmp_path: Path) -> None:
    """What is new is told by Flyte 1's own clock: each fire is repeated, and none of before."""
    sides, _ = history

    async def work(v1: ControlPlane, v2: ControlPlane) -> list[Shadowed]:
        plan = (await v1.execution(identity("fine"))).spec.launch_plan
        plan.name = "at_six"
        told: list[Shadowed] = []
        stop = asyncio.Event()

        def tell(news: Shadowed | str) -> None:
            assert isinstance(news, Shadowed), news
            told.append(news)
            stop.set()

        journal = ShadowJournal(tmp_path / "journal.jsonl")
        shadow = Shadow(
            (v1, v2),
            LaunchPlanName(PROJECT, DOMAIN, "at_six"),
            ShadowOptions("s3://flyte/apart", poll=0.2),
            journal,
            tell,
        )
        journal.begin(await shadow.newest())
        spec = execution_pb2.ExecutionSpec(launch_plan=plan)
        spec.metadata.mode = execution_pb2.ExecutionMetadata.SCHEDULED
        request = execution_pb2.ExecutionCreateRequest(project=PROJECT, domain=DOMAIN, name="sixth", spec=spec)
        await v1.create(request)
        await asyncio.wait_for(shadow.run(stop), 60)
        return told

    assert [(one.name, one.verdict) for one in sides.run(work)] == [("sixth", "same")]


@pytest.mark.parametrize("action", ["start", "handover", "abort"])
def test_no_cut_over_with_clocks_apart(history: tuple[TwoSides, dict[str, Any]], action: str) -> None:
    """It is refused, with by how much and what to do; nothing is changed."""
    sides, _ = history
    done = sides.bridge("cutover", action, "at_six", "--yes")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"the clock of Flyte 1 \(.*\) is 7[456] s behind this machine's", done.stderr), done.stderr
    assert list((Path(sides.v2.data_dir) / "side-by-side").glob("cutover-*.jsonl")) == []


def test_a_clock_ahead_can_be_settled_for(history: tuple[TwoSides, dict[str, Any]]) -> None:
    """A side that fires early is waited for longer, if that is said; how long is in the refusal."""
    sides, _ = history
    assert sides.v2.access is not None
    env = {"FLYTE_BRIDGE_V1_ENDPOINT": sides.v2.endpoint, "FLYTE_BRIDGE_V1_TOKEN": sides.v2.access.token}
    done = sides.bridge("cutover", "start", "at_six", **env)
    [told] = re.findall(r"is 7[456] s ahead of this machine's.*or give --settle (\d+)s", done.stderr)
    done = sides.bridge("cutover", "start", "at_six", "--settle", f"{int(told) + 2}s", **env)
    assert "clock" not in done.stderr
