"""The bridge's other verbs, by every way to call: what is deployed, what is uploaded, what is listed and aborted."""

from __future__ import annotations

import hashlib
import urllib.request
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl2.common import identifier_pb2, phase_pb2
from flyteidl2.project import project_service_pb2
from flyteidl2.task import common_pb2
from flyteidl2.trigger import trigger_definition_pb2

from flyte_bridge import errors
from flyte_bridge.backend.query import compare, pages, query, where

from .contract import DOMAIN, put, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from .bench import Bench, Place

ABORTED = phase_pb2.ACTION_PHASE_ABORTED


def test_inputs_are_uploaded_for_a_run_to_come(place: Place) -> None:
    """`upload_inputs` says where they are; a run of them reads what was uploaded."""

    async def act(bench: Bench) -> None:
        spec = sleep_spec(bench.task_id("data.sleep"))
        uploaded = await bench.backend.upload_inputs(
            inputs=sleep_inputs(0.25), project_id=bench.project_id, task_spec=spec
        )
        run = await bench.backend.create_run(run_id=bench.run_id(), task_spec=spec, offloaded_inputs=uploaded)
        data = await bench.backend.get_action_data(action_id=run.action.id)
        (literal,) = data.inputs.literals
        assert literal.value.scalar.primitive.duration.ToNanoseconds() == 250_000_000
        assert data.inputs_uri.startswith(uploaded.uri)

    place(act)


@pytest.mark.go_like
def test_a_file_is_uploaded_to_a_signed_url(place: Place) -> None:
    """The URL takes the file with the headers told; another file of the name is `AlreadyExists`."""

    async def act(bench: Bench) -> None:
        content, root = b"content", uuid.uuid4().hex

        async def locate(data: bytes) -> Any:
            return await bench.backend.create_upload_location(
                project=bench.project,
                domain=DOMAIN,
                filename="file.txt",
                filename_root=root,
                content_md5=hashlib.md5(data).digest(),
                expires_in=timedelta(minutes=5),
            )

        location = await locate(content)
        request = put(location, content)
        await _in_thread(lambda: urllib.request.urlopen(request, timeout=30).close())
        assert location.native_url.endswith(f"{root}/file.txt")
        with pytest.raises(errors.AlreadyExists):
            await locate(b"another")

    place(act)


async def _in_thread(call: Any) -> None:
    import asyncio

    await asyncio.to_thread(call)  # the embedded backend answers on this very loop


def test_a_report_that_is_not_there_is_not_found(place: Place) -> None:
    """`create_download_link` of an attempt without a report raises `NotFound`."""

    async def act(bench: Bench) -> None:
        action_id = await bench.start(0)
        async for _ in bench.backend.watch_action(action_id=action_id):
            pass
        attempt = identifier_pb2.ActionAttemptIdentifier(action_id=action_id, attempt=1)
        with pytest.raises(errors.NotFound):
            await bench.backend.create_download_link(attempt=attempt)

    place(act)


def test_triggers_are_deployed_read_switched_and_deleted(place: Place) -> None:
    """What was deployed is read back; activation is an update; a deleted trigger is `NotFound`."""

    async def act(bench: Bench) -> None:
        task_id = bench.task_id("data.triggered")
        await bench.backend.deploy_task(task_id=task_id, spec=sleep_spec(task_id))
        name = identifier_pb2.TriggerName(
            org="local", project=bench.project, domain=DOMAIN, task_name=task_id.name, name="nightly"
        )
        automation = common_pb2.TriggerAutomationSpec(
            type=common_pb2.TriggerAutomationSpecType.TYPE_SCHEDULE,
            schedule=common_pb2.Schedule(cron=common_pb2.Cron(expression="0 3 1 1 *", timezone="UTC")),
        )
        spec = trigger_definition_pb2.TriggerSpec(active=False, task_version="v1", inputs=sleep_inputs(1))
        await bench.backend.deploy_trigger(name=name, spec=spec, automation=automation)
        details = await bench.backend.get_trigger(name=name)
        assert details.automation_spec.schedule.cron.expression == "0 3 1 1 *"
        assert details.spec.active is False
        await bench.backend.update_triggers(names=[name], active=True)
        listed = await bench.backend.list_triggers(project_id=bench.project_id)
        assert [(one.id.name.name, one.active) for one in listed.triggers] == [("nightly", True)]
        await bench.backend.delete_triggers(names=[name])
        with pytest.raises(errors.NotFound):
            await bench.backend.get_trigger(name=name)

    place(act)


def test_projects_are_made_once_changed_and_listed(place: Place) -> None:
    """A second of an id is `AlreadyExists`; one that is not there is `NotFound`."""

    async def act(bench: Bench) -> None:
        name = f"p-{uuid.uuid4().hex[:8]}"
        project = project_service_pb2.Project(id=name, name=name, description="before")
        await bench.backend.create_project(project=project)
        with pytest.raises(errors.AlreadyExists):
            await bench.backend.create_project(project=project)
        project.description = "after"
        await bench.backend.update_project(project=project)
        assert (await bench.backend.get_project(project_id=name)).description == "after"
        assert name in [one.id for one in (await bench.backend.list_projects()).projects]
        with pytest.raises(errors.NotFound):
            await bench.backend.update_project(project=project_service_pb2.Project(id="never-made"))

    place(act)


def test_runs_are_listed_and_aborted(place: Place) -> None:
    """Lists filter and page; an abort ends a run with its reason, and a second is refused by the embedded backend."""

    async def act(bench: Bench) -> None:
        task_id = bench.task_id("data.listed")
        await bench.backend.deploy_task(task_id=task_id, spec=sleep_spec(task_id))
        runs = [
            (await bench.backend.create_run(run_id=bench.run_id(), task_id=task_id, inputs=sleep_inputs(600))).action.id
            for _ in range(3)
        ]
        first = query(where("task_name", task_id.name), compare("created_at", "GREATER_THAN", _EPOCH), limit=2)
        listed = [
            one.action.id.run.name
            async for one in pages(
                bench.backend.list_runs, lambda answer: answer.runs, first, project_id=bench.project_id
            )
        ]
        assert sorted(listed) == sorted(action.run.name for action in runs)
        (action,) = (await bench.backend.list_actions(run_id=runs[0].run)).actions
        assert action.id.name == "a0"
        await bench.backend.abort_run(run_id=runs[0].run, reason="enough")
        await bench.backend.abort_action(action_id=runs[1], reason="enough")
        for one in runs[:2]:
            details = await bench.backend.get_action(action_id=one)
            assert (details.status.phase, details.abort_info.reason) == (ABORTED, "enough")
        await bench.backend.abort_run(run_id=runs[2].run)

    place(act)


_EPOCH = "2020-01-01T00:00:00Z"


def test_a_child_is_aborted_by_its_driver(place: Place) -> None:
    """`abort_child` ends it; the watch says so."""

    async def act(bench: Bench) -> None:
        root = await bench.start(600)
        async for details in bench.backend.watch_action(action_id=root):
            if details.status.phase == phase_pb2.ACTION_PHASE_RUNNING:
                break
        inputs = await bench.backend.upload_inputs(
            inputs=sleep_inputs(600), project_id=bench.project_id, task_spec=sleep_spec(bench.task_id("data.child"))
        )
        child = bench.child(root, "n0")
        child.input_uri = inputs.uri
        child.run_output_base = f"{inputs.uri}/out"
        child.task.spec.CopyFrom(sleep_spec(bench.task_id("data.child")))
        await bench.backend.enqueue(action=child)
        await bench.backend.abort_child(action_id=child.action_id, reason="not needed")
        async for update in bench.backend.watch_children(parent=root):
            if update is not None and update.phase == ABORTED:
                break
        await bench.backend.abort_run(run_id=root.run)

    place(act)


@pytest.mark.go_like
@pytest.mark.notyet("the Go backend knows who asks from what stands before it, and refuses to say of others")
def test_who_asks_is_known(place: Place) -> None:
    """`user_info` names somebody."""

    async def act(bench: Bench) -> None:
        assert (await bench.backend.user_info()).subject

    place(act)
