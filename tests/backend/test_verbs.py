"""The bridge's verbs: the same facts over gRPC, in the embedded backend's own process, and on a real one if named."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl2.common import identifier_pb2, phase_pb2
from flyteidl2.core import types_pb2
from flyteidl2.task import common_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge import errors
from flyte_bridge.backend.client import TERMINAL
from flyte_bridge.backend.query import pages, query, where

from .contract import DOMAIN, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from .bench import Bench, Place

SUCCEEDED, PAUSED = phase_pb2.ACTION_PHASE_SUCCEEDED, phase_pb2.ACTION_PHASE_PAUSED


def test_a_run_is_watched_to_its_end(place: Place) -> None:
    """`watch_action` tells each state up to the last, and ends there by itself."""

    async def act(bench: Bench) -> None:
        action_id = await bench.start(0.3)
        phases = [details.status.phase async for details in bench.backend.watch_action(action_id=action_id)]
        assert phases[-1] == SUCCEEDED
        assert not TERMINAL & set(phases[:-1])
        assert (await bench.backend.get_run(run_id=action_id.run)).action.status.phase == SUCCEEDED
        data = await bench.backend.get_action_data(action_id=action_id)
        assert [literal.name for literal in data.inputs.literals] == ["duration"]

    place(act)


def test_what_is_not_there_is_not_found(place: Place) -> None:
    """Reading what is not there raises `NotFound`, from unary calls and from watches."""

    async def act(bench: Bench) -> None:
        run_id = bench.run_id()
        nothing = identifier_pb2.ActionIdentifier(run=run_id, name="a0")
        for call in (
            bench.backend.get_run(run_id=run_id),
            bench.backend.get_action(action_id=nothing),
            bench.backend.get_task(task_id=bench.task_id("never.made")),
            bench.backend.watch_action(action_id=nothing).__anext__(),
        ):
            with pytest.raises(errors.NotFound):
                await call

    place(act)


@pytest.mark.notyet("the Go backend tells of nothing, and goes on watching")
def test_children_of_what_is_not_there_are_not_found(place: Place) -> None:
    """`watch_children` of an action that was never made raises `NotFound`."""

    async def act(bench: Bench) -> None:
        nothing = identifier_pb2.ActionIdentifier(run=bench.run_id(), name="a0")
        updates = bench.backend.watch_children(parent=nothing)
        with pytest.raises(errors.NotFound):
            await updates.__anext__()
        await updates.aclose()

    place(act)


def test_a_request_that_cannot_be_is_refused(place: Place) -> None:
    """A bad run name raises `InvalidRequest` that says what is wrong."""

    async def act(bench: Bench) -> None:
        run_id = bench.run_id()
        run_id.name = "Not_A_Name"
        with pytest.raises(errors.InvalidRequest, match="Not_A_Name"):
            await bench.backend.create_run(run_id=run_id, task_spec=sleep_spec(bench.task_id("verbs.sleep")))

    place(act)


def test_a_missing_rpc_is_unimplemented(place: Place) -> None:
    """What a backend does not have raises `Unimplemented`, not a transport's error."""

    async def act(bench: Bench) -> None:
        with pytest.raises(errors.Unimplemented):
            await bench.backend.caller.unary(
                "/flyteidl2.nothing.Service/Nothing", common_pb2.Inputs(), common_pb2.Outputs
            )

    place(act)


def test_tasks_are_deployed_read_and_listed_page_by_page(place: Place) -> None:
    """`pages` goes through all of a list; filters hold; the latest version stands for a task."""

    async def act(bench: Bench) -> None:
        names = [f"verbs.t{number}" for number in range(5)]
        for name in names:
            for version in ("v1", "v2"):
                task_id = bench.task_id(name, version)
                await bench.backend.deploy_task(task_id=task_id, spec=sleep_spec(task_id))
        details = await bench.backend.get_task(task_id=bench.task_id(names[0], "v1"))
        assert details.spec.task_template.type == "core-sleep"
        found = [
            task
            async for task in pages(
                bench.backend.list_tasks,
                lambda answer: answer.tasks,
                query(sort="name", limit=2),
                project_id=bench.project_id,
            )
        ]
        assert [task.task_id.name for task in found] == names
        assert {task.task_id.version for task in found} == {"v2"}
        one = await bench.backend.list_tasks(project_id=bench.project_id, request=query(where("name", names[3])))
        assert [task.task_id.name for task in one.tasks] == [names[3]]
        task_name = task_definition_pb2.TaskName(org="local", project=bench.project, domain=DOMAIN, name=names[0])
        versions = await bench.backend.list_versions(task_name=task_name)
        assert {one.version for one in versions.versions} == {"v1", "v2"}

    place(act)


@pytest.mark.go_like
def test_children_are_added_and_watched(place: Place) -> None:
    """The watch tells what is there, then `None`, then what changes; a gate takes an answer of its type, and nothing is added to
    a run that has ended."""

    async def act(bench: Bench) -> None:
        root = await bench.start(30)
        await _until_running(bench, root)
        await bench.backend.enqueue(action=_trace(bench, root, "n0-closure"))
        await bench.backend.enqueue(action=_trace(bench, root, "n0-closure"))
        updates = bench.backend.watch_children(parent=root)
        await _until(updates, lambda update: update is None)
        gate = _gate(bench, root, "gate")
        assert await bench.backend.enqueue(action=gate)
        await _until(updates, lambda update: update.phase == PAUSED and update.action_id.name == "gate")
        with pytest.raises(errors.InvalidRequest):
            await bench.backend.signal_event(action_id=gate.action_id, value="seven")
        await bench.backend.signal_event(action_id=gate.action_id, value=7)
        seen = await _until(updates, lambda update: update.phase == SUCCEEDED and update.action_id.name == "gate")
        assert seen[-1].value.scalar.primitive.integer == 7
        await updates.aclose()
        await bench.backend.abort_run(run_id=root.run, reason="seen enough")
        with pytest.raises((errors.Aborted, errors.InternalError)):
            await _enqueue_more(bench, root)

    place(act)


@pytest.mark.go_like
@pytest.mark.notyet("the Go backend takes a trace twice, tells of custom resources alone, and of the parent's too")
def test_a_trace_is_added_once_and_told_of(place: Place) -> None:
    """`enqueue` tells what is new; the watch tells of children, whatever they are."""

    async def act(bench: Bench) -> None:
        root = await bench.start(30)
        await _until_running(bench, root)
        assert await bench.backend.enqueue(action=_trace(bench, root, "n0"))
        try:
            assert not await bench.backend.enqueue(action=_trace(bench, root, "n0"))
            updates = bench.backend.watch_children(parent=root)
            seen = await _until(updates, lambda update: update is None)
            await updates.aclose()
            assert [(update.action_id.name, update.phase) for update in seen if update] == [("n0", SUCCEEDED)]
        finally:
            await bench.backend.abort_run(run_id=root.run)

    place(act)


@pytest.mark.go_like
def test_a_task_that_is_added_twice_is_told_of(place: Place) -> None:
    """`enqueue` of a child that is there adds nothing, and says so: the Go backend says INTERNAL, and why (D10)."""

    async def act(bench: Bench) -> None:
        root = await bench.start(30)
        await _until_running(bench, root)
        spec = sleep_spec(bench.task_id("verbs.child"))
        inputs = await bench.backend.upload_inputs(inputs=sleep_inputs(30), project_id=bench.project_id, task_spec=spec)
        child = bench.child(root, "n0")
        child.input_uri, child.run_output_base = inputs.uri, f"{inputs.uri}/out"
        child.task.spec.CopyFrom(spec)
        try:
            assert await bench.backend.enqueue(action=child)
            assert not await bench.backend.enqueue(action=child)
        finally:
            await bench.backend.abort_run(run_id=root.run)

    place(act)


def test_a_watch_that_is_refreshed_tells_all_again(place: Place) -> None:
    """After `refresh` seconds the children come anew, and `None` after them."""

    async def act(bench: Bench) -> None:
        root = await bench.start(30)
        await _until_running(bench, root)
        await bench.backend.enqueue(action=_gate(bench, root, "gate"))
        updates = bench.backend.watch_children(parent=root, refresh=0.3)
        await _until(updates, lambda update: update is not None and update.action_id.name == "gate")
        await _until(updates, lambda update: update is None)
        for _ in range(2):
            seen = await _until(updates, lambda update: update is None)
            assert {update.action_id.name for update in seen if update} - {root.name} == {"gate"}
        await updates.aclose()
        await bench.backend.abort_run(run_id=root.run)

    place(act)


async def _enqueue_more(bench: Bench, root: Any) -> None:
    """The Go backend forgets the parent a little later than it answers the abort."""
    for number in count():
        await bench.backend.enqueue(action=_gate(bench, root, f"late{number}"))


def _trace(bench: Bench, root: Any, name: str) -> Any:
    trace = bench.child(root, name)
    trace.trace.name = name
    trace.trace.phase = phase_pb2.ACTION_PHASE_SUCCEEDED
    return trace


def _gate(bench: Bench, root: Any, name: str) -> Any:
    gate = bench.child(root, name)
    gate.condition.CopyFrom(
        run_definition_pb2.ConditionAction(name=name, type=types_pb2.LiteralType(simple=types_pb2.INTEGER))
    )
    return gate


async def _until_running(bench: Bench, action_id: Any) -> None:
    async for details in bench.backend.watch_action(action_id=action_id):
        if details.status.phase == phase_pb2.ACTION_PHASE_RUNNING:
            return


async def _until(updates: AsyncIterator[Any], fits: Callable[[Any], bool]) -> list[Any]:
    seen = []
    async for update in updates:
        seen.append(update)
        if fits(update):
            return seen
    raise AssertionError(seen)


def test_thousands_of_calls_at_once(place: Place) -> None:
    """More calls at once than a connection has streams are answered all."""

    async def act(bench: Bench) -> None:
        action_id = await bench.start(0)
        answers = await asyncio.gather(*(bench.backend.get_action(action_id=action_id) for _ in range(1500)))
        assert {answer.id.name for answer in answers} == {"a0"}

    place(act)
