"""Schedules of launch plans as triggers of Flyte 2: followed while a version is active, and only that one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from flyteidl.admin import common_pb2, execution_pb2, launch_plan_pb2, schedule_pb2
from flyteidl.core import identifier_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.task import task_definition_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.schedules import begin_rate
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.connect import connect
from flyte_bridge.errors import InvalidRequest, NotFound
from registry.entities import area_plan, area_workflow, square_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flyte_bridge import config
    from flyte_bridge.backend.client import BackendClient

PROJECT, DOMAIN = "flytesnacks", "development"


@pytest.fixture
def flyte2(settings: config.Settings) -> Callable[[Callable[[BackendClient], Awaitable[Any]]], Any]:
    """Asks the Flyte 2 behind."""

    def ask(act: Callable[[BackendClient], Awaitable[Any]]) -> Any:
        async def main() -> Any:
            async with connect(settings) as backend:
                return await act(backend)

        return asyncio.run(main())

    return ask


def trigger_of(name: str) -> v2_identifier_pb2.TriggerName:
    return v2_identifier_pb2.TriggerName(
        org="local", project=PROJECT, domain=DOMAIN, task_name=f"flyte1.launch-plan.{name}", name="schedule"
    )


def register(admin: Any, name: str, version: str, **schedule: Any) -> identifier_pb2.Identifier:
    """A launch plan of the area of 3, with a schedule if one is given."""
    admin.CreateTask(square_request(version))
    closure = area_workflow(version).closure.compiled_workflow
    from flyteidl.admin import workflow_pb2

    spec = workflow_pb2.WorkflowSpec(template=closure.primary.template)
    del spec.template.nodes[:2]
    del spec.template.nodes[0].upstream_node_ids[:]
    spec.template.nodes[0].task_node.reference_id.version = version
    admin.CreateWorkflow(workflow_pb2.WorkflowCreateRequest(id=area_workflow(version).id, spec=spec))
    plan = area_plan(version, name)
    plan.spec.labels.values["team"] = "blue"
    if schedule:
        plan.spec.entity_metadata.schedule.CopyFrom(schedule_pb2.Schedule(**schedule))
    admin.CreateLaunchPlan(launch_plan_pb2.LaunchPlanCreateRequest(id=plan.id, spec=plan.spec))
    return plan.id


def set_state(admin: Any, id_: identifier_pb2.Identifier, state: launch_plan_pb2.LaunchPlanState) -> None:
    admin.UpdateLaunchPlan(launch_plan_pb2.LaunchPlanUpdateRequest(id=id_, state=state))


def test_a_schedule_is_followed_while_its_version_is_active(admin: Any, flyte2: Callable[..., Any], fresh: str) -> None:
    """Registered: no trigger; active: one of that version; the next version replaces it; without a schedule it rests."""
    name = f"plan.{fresh}"

    def trigger() -> Any:
        async def act(backend: BackendClient) -> Any:
            try:
                return await backend.get_trigger(name=trigger_of(name))
            except NotFound:
                return None

        return flyte2(act)

    cron = {"schedule": "0 6 * * *"}
    first = register(admin, name, f"{fresh}a", cron_schedule=cron, kickoff_time_input_arg="when")
    second = register(
        admin, name, f"{fresh}b", rate={"value": 2, "unit": schedule_pb2.HOUR}, kickoff_time_input_arg="when"
    )
    third = register(admin, name, f"{fresh}c")
    assert trigger() is None
    set_state(admin, first, launch_plan_pb2.ACTIVE)
    found = trigger()
    assert (found.spec.active, found.spec.task_version) == (True, first.version)
    assert found.automation_spec.schedule.cron.expression == "0 6 * * *"
    assert found.automation_spec.schedule.kickoff_time_input_arg == "when"
    assert found.spec.run_spec.labels.values["team"] == "blue"
    set_state(admin, second, launch_plan_pb2.ACTIVE)
    found = trigger()
    assert (found.spec.active, found.spec.task_version) == (True, second.version)
    assert found.automation_spec.schedule.rate.value == 2
    set_state(admin, first, launch_plan_pb2.INACTIVE)  # which it is
    assert trigger().spec.active
    set_state(admin, second, launch_plan_pb2.INACTIVE)
    assert not trigger().spec.active
    set_state(admin, first, launch_plan_pb2.ACTIVE)
    assert trigger().spec.active
    set_state(admin, third, launch_plan_pb2.ACTIVE)
    assert not trigger().spec.active


def test_activating_two_versions_at_once_leaves_one(admin: Any, flyte2: Callable[..., Any], fresh: str) -> None:
    """Whichever is later: the trigger is pinned to the version that is active."""
    name = f"plan.{fresh}"
    ids = [
        register(admin, name, f"{fresh}{n}", cron_schedule={"schedule": "0 6 * * *"}, kickoff_time_input_arg="when")
        for n in range(4)
    ]
    for _ in range(3):
        with ThreadPoolExecutor(len(ids)) as threads:
            list(threads.map(lambda id_: set_state(admin, id_, launch_plan_pb2.ACTIVE), ids))
        active = [
            plan.id.version
            for id_ in ids
            if (plan := admin.GetLaunchPlan(common_pb2.ObjectGetRequest(id=id_))).closure.state
            == launch_plan_pb2.ACTIVE
        ]
        trigger = flyte2(lambda backend: backend.get_trigger(name=trigger_of(name)))
        assert active == [trigger.spec.task_version]


def test_a_schedule_that_flyte_2_cannot_follow_is_refused_at_registration(
    admin: Any, fresh: str, refused: Callable[..., str]
) -> None:
    """AWS's years and last days have no counterpart; nothing is registered."""
    version = register(admin, f"plain.{fresh}", fresh).version
    plan = area_plan(version, f"aws.{fresh}")
    plan.spec.entity_metadata.schedule.cron_expression = "0 6 L * ? *"
    plan.spec.entity_metadata.schedule.kickoff_time_input_arg = "when"
    request = launch_plan_pb2.LaunchPlanCreateRequest(id=plan.id, spec=plan.spec)
    assert "Invalid cron expression" in refused("INVALID_ARGUMENT", admin.CreateLaunchPlan, request)
    assert "missing entity" in refused("NOT_FOUND", admin.GetLaunchPlan, common_pb2.ObjectGetRequest(id=plan.id))


def test_what_the_trigger_starts_is_an_execution_of_the_launch_plan(
    admin: Any, flyte2: Callable[..., Any], fresh: str
) -> None:
    """A run of it is read as a scheduled execution, of the launch plan's version, with its labels."""
    name = f"plan.{fresh}"
    id_ = register(admin, name, fresh, cron_schedule={"schedule": "0 6 * * *"}, kickoff_time_input_arg="when")
    set_state(admin, id_, launch_plan_pb2.ACTIVE)
    at = datetime(2026, 1, 2, 6, tzinfo=timezone.utc)

    async def fire(backend: BackendClient) -> str:
        from flyteidl2.task import common_pb2 as v2_common_pb2

        inputs = v2_common_pb2.Inputs()
        inputs.literals.add(name="when").value.scalar.primitive.datetime.FromDatetime(at)
        run = await backend.create_run(
            project_id=v2_identifier_pb2.ProjectIdentifier(organization="local", name=PROJECT, domain=DOMAIN),
            trigger_name=trigger_of(name),
            inputs=inputs,
            source=run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER,
        )
        return str(run.action.id.run.name)

    run = flyte2(fire)
    execution = admin.GetExecution(
        execution_pb2.WorkflowExecutionGetRequest(
            id=identifier_pb2.WorkflowExecutionIdentifier(project=PROJECT, domain=DOMAIN, name=run)
        )
    )
    assert execution.spec.launch_plan == id_
    assert execution.spec.metadata.mode == execution_pb2.ExecutionMetadata.SCHEDULED
    assert execution.closure.workflow_id == area_plan(fresh).spec.workflow_id
    assert datetime.now(timezone.utc) - execution.closure.created_at.ToDatetime(timezone.utc) < timedelta(hours=1)
    run_spec = flyte2(
        lambda backend: backend.get_run(
            run_id=v2_identifier_pb2.RunIdentifier(org="local", project=PROJECT, domain=DOMAIN, name=run)
        )
    ).run_spec
    assert run_spec.labels.values["team"] == "blue"


def test_activated_again_nothing_is_deployed(admin: Any, flyte2: Callable[..., Any], fresh: str) -> None:
    """An active version that is activated again leaves its trigger alone: a new revision would move a fixed rate's grid."""
    name = f"plan.{fresh}"
    id_ = register(admin, name, fresh, rate={"value": 2, "unit": schedule_pb2.HOUR}, kickoff_time_input_arg="when")
    set_state(admin, id_, launch_plan_pb2.ACTIVE)
    before = flyte2(lambda backend: backend.get_trigger(name=trigger_of(name)))
    set_state(admin, id_, launch_plan_pb2.ACTIVE)
    assert flyte2(lambda backend: backend.get_trigger(name=trigger_of(name))) == before


def test_a_rate_begins_where_it_is_told_to(admin: Any, flyte2: Callable[..., Any], fresh: str) -> None:
    """Told before its activation, it stays on that grid however often it is deactivated; a cron schedule cannot be told."""
    name = f"plan.{fresh}"
    rate = {"value": 2, "unit": schedule_pb2.HOUR}
    id_ = register(admin, name, fresh, rate=rate, kickoff_time_input_arg="when")
    at = datetime(2026, 1, 2, 6, 7, 8, tzinfo=timezone.utc)
    plan = admin.GetLaunchPlan(common_pb2.ObjectGetRequest(id=id_))
    for _ in range(2):  # the second time it is so already
        flyte2(lambda backend: begin_rate(backend, plan, at))
    prepared = flyte2(lambda backend: backend.get_trigger(name=trigger_of(name)))
    assert (prepared.spec.active, prepared.id.revision) == (False, 1)
    for state in (launch_plan_pb2.ACTIVE, launch_plan_pb2.INACTIVE, launch_plan_pb2.ACTIVE):
        set_state(admin, id_, state)
    trigger = flyte2(lambda backend: backend.get_trigger(name=trigger_of(name)))
    assert trigger.spec.active
    assert trigger.automation_spec.schedule.rate.start_time.ToDatetime(timezone.utc) == at
    daily = register(
        admin, f"d{name}", f"{fresh}d", cron_schedule={"schedule": "@daily"}, kickoff_time_input_arg="when"
    )
    other = admin.GetLaunchPlan(common_pb2.ObjectGetRequest(id=daily))
    with pytest.raises(InvalidRequest, match="has no fixed rate"):
        flyte2(lambda backend: begin_rate(backend, other, at))


def test_a_fired_run_says_when_it_was_due(admin: Any, flyte2: Callable[..., Any], fresh: str) -> None:
    """The deployed task names a version of the SDK from which Flyte 2's scheduler stamps `run_start_time`."""
    id_ = register(admin, f"plan.{fresh}", fresh, cron_schedule={"schedule": "@daily"}, kickoff_time_input_arg="when")
    where = task_definition_pb2.TaskIdentifier(
        org="local", project=PROJECT, domain=DOMAIN, name=f"flyte1.launch-plan.{id_.name}", version=id_.version
    )
    runtime = flyte2(lambda backend: backend.get_task(task_id=where)).spec.task_template.metadata.runtime
    assert tuple(map(int, runtime.version.split("."))) >= (2, 3, 6)


def test_a_schedule_without_a_zone_is_in_that_of_flyteadmin(
    admin: Any, settings: config.Settings, flyte2: Callable[..., Any], fresh: str
) -> None:
    """`FLYTE_BRIDGE_V1_ZONE` says in which zone flyteadmin's process runs, and so its schedules that name none."""
    name = f"plan.{fresh}"
    id_ = register(admin, name, fresh, cron_schedule={"schedule": "0 6 * * *"}, kickoff_time_input_arg="when")

    async def activate(backend: BackendClient) -> None:
        facade = Facade(backend, settings.model_copy(update={"v1_zone": "Europe/Berlin"}))
        method = "/flyteidl.service.AdminService/UpdateLaunchPlan"
        request = launch_plan_pb2.LaunchPlanUpdateRequest(id=id_, state=launch_plan_pb2.ACTIVE)
        await facade.call(method, request, CallContext.of(method))

    flyte2(activate)
    trigger = flyte2(lambda backend: backend.get_trigger(name=trigger_of(name)))
    assert trigger.automation_spec.schedule.cron.timezone == "Europe/Berlin"
