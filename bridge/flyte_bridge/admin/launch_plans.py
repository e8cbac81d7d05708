"""Launch plans: registered, activated, fetched, listed (`flyteadmin/pkg/manager/impl/launch_plan_manager.go`, v1.16.8)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from flyteidl.admin import common_pb2, launch_plan_pb2, schedule_pb2
from flyteidl.core import identifier_pb2
from google.protobuf.message import Message

from flyte_bridge.admin import validation
from flyte_bridge.admin.entities import list_ids, resource_list, typed
from flyte_bridge.admin.schedules import Schedules
from flyte_bridge.admin.validation import (
    LAUNCH_PLAN,
    WORKFLOW,
    given,
    order,
    page,
    parts,
    project_and_domain,
    text,
)
from flyte_bridge.admin.validation import identifier as checked
from flyte_bridge.errors import InvalidRequest, NotFound, Unimplemented
from flyte_bridge.registry import specs
from flyte_bridge.registry.listing import Listed, ListQuery, time_of
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import identifier, launch_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

_NAME = ("project", "domain", "name")


def _schedule_type(plan: launch_plan_pb2.LaunchPlan) -> str:
    """flyteadmin's column: `NONE`, `CRON` or `RATE`."""
    schedule: schedule_pb2.Schedule = plan.spec.entity_metadata.schedule
    if schedule.cron_expression or schedule.HasField("cron_schedule"):
        return "CRON"
    return "RATE" if schedule.HasField("rate") else "NONE"


def _of_workflow(field: str) -> Callable[[launch_plan_pb2.LaunchPlan], Any]:
    return lambda plan: getattr(plan.spec.workflow_id, field)


PLANS = Listed[launch_plan_pb2.LaunchPlan](
    entity=filters.LAUNCH_PLAN,
    environment=identifier.LAUNCH_PLAN,
    read=specs.to_launch_plan,
    columns={
        "state": lambda plan: int(plan.closure.state),
        "schedule_type": _schedule_type,
        "launch_condition_type": lambda plan: None if _schedule_type(plan) == "NONE" else "SCHED",
        "updated_at": lambda plan: time_of(plan.closure.updated_at),
        "deleted_at": lambda _: None,
    },
    joined={f"{filters.WORKFLOW}.{field}": _of_workflow(field) for field in (*_NAME, "version")},
)
"""What the list can filter and sort by beside the name, the version and the time."""

REFUSED = {
    "quality_of_service": "Flyte 2 has no queueing budget for an execution; leave it out, or use a queue of Flyte 2",
    "execution_env_assignments": "Flyte 2 has no fast-task environments; leave it out",
}
"""What no execution could be given, and what to do instead. `cluster_assignment` has no effect on flyteadmin either."""


class LaunchPlans:
    """Launch plans."""

    def __init__(self, core: Core) -> None:
        """Takes what the façade's parts share."""
        self._backend = core.backend
        self._registry = core.registry
        self._schedules = Schedules(core.backend, core.launcher, core.settings.v1_zone)

    async def create_launch_plan(
        self, request: launch_plan_pb2.LaunchPlanCreateRequest, _: CallContext
    ) -> launch_plan_pb2.LaunchPlanCreateResponse:
        """Registers a launch plan, inactive; its workflow is registered already."""
        workflow_id = checked(request.spec, "workflow_id", WORKFLOW)
        interface = await self._registry.get_workflow_interface(workflow_id)
        id_ = checked(request, "id", LAUNCH_PLAN)
        await project_and_domain(self._backend, id_.project, id_.domain)
        validation.labels(request.spec.labels.values)
        for field, advice in REFUSED.items():
            value = getattr(request.spec, field)
            if value.ByteSize() if isinstance(value, Message) else value:
                raise Unimplemented(f"LaunchPlanSpec.{field}: {advice}")
        try:
            plan = launch_plan.registered(id_, request.spec, interface)
        except launch_plan.BadLaunchPlan as error:
            raise InvalidRequest(str(error)) from None
        validation.notifications(request.spec.entity_metadata.notifications)
        await self._registry.put_launch_plan(plan)
        return launch_plan_pb2.LaunchPlanCreateResponse()

    async def update_launch_plan(
        self, request: launch_plan_pb2.LaunchPlanUpdateRequest, _: CallContext
    ) -> launch_plan_pb2.LaunchPlanUpdateResponse:
        """Activates a version, which deactivates the one that was active, or deactivates one."""
        id_ = typed(request, LAUNCH_PLAN).id
        if request.state == launch_plan_pb2.INACTIVE:
            checked(request, "id", LAUNCH_PLAN)
            async with self._registry.alone(_name_of(id_)):
                plan = await self._registry.get_launch_plan(id_)
                if plan.closure.state == launch_plan_pb2.ACTIVE:
                    await self._schedules.rest(plan)
                    await self._registry.plans.deactivate(plan)
        elif request.state == launch_plan_pb2.ACTIVE:
            async with self._registry.alone(_name_of(id_)):
                plan = await self._registry.get_launch_plan(id_)
                await self._schedules.follow(
                    plan
                )  # first, as on flyteadmin: if it cannot be followed all stays as it is
                await self._registry.plans.activate(plan)
        else:
            raise InvalidRequest(
                f"Unrecognized launch plan state {request.state} for update for launch plan [{text(id_)}]"
            )
        return launch_plan_pb2.LaunchPlanUpdateResponse()

    async def get_launch_plan(self, request: common_pb2.ObjectGetRequest, _: CallContext) -> launch_plan_pb2.LaunchPlan:
        """One launch plan."""
        return await self._registry.get_launch_plan(checked(typed(request, LAUNCH_PLAN), "id", LAUNCH_PLAN))

    async def get_active_launch_plan(
        self, request: launch_plan_pb2.ActiveLaunchPlanRequest, _: CallContext
    ) -> launch_plan_pb2.LaunchPlan:
        """The active version of a name."""
        id_ = request.id
        parts(id_, _NAME)
        state = await self._registry.plans.state(id_.project, id_.domain, id_.name)
        try:
            if state.active:
                return state.applied(await self._registry.get_registered_launch_plan(_version(id_, state.active)))
        except NotFound:  # its document outlived it
            pass
        raise NotFound(f"No active launch plan could be found: {id_.project}:{id_.domain}:{id_.name}")

    async def list_launch_plans(
        self, request: common_pb2.ResourceListRequest, _: CallContext
    ) -> launch_plan_pb2.LaunchPlanList:
        """Launch plans, whole."""
        asked = resource_list(request, filters.LAUNCH_PLAN, "ListLaunchPlans")
        plans = await self._registry.listing.page(PLANS, asked, prepare=self._prepare(asked))
        token = filters.next_token(asked.start, len(plans), asked.limit)
        return launch_plan_pb2.LaunchPlanList(launch_plans=plans, token=token)

    def _prepare(self, asked: ListQuery) -> Callable[[list[launch_plan_pb2.LaunchPlan]], Any]:
        """Puts the states into copies of listed launch plans; they are read once for a list."""
        known: dict[str, Any] | None = None

        async def prepare(plans: list[launch_plan_pb2.LaunchPlan]) -> list[launch_plan_pb2.LaunchPlan]:
            nonlocal known
            if known is None and plans:
                states = self._registry.plans
                known = (
                    {asked.name: await states.state(asked.project, asked.domain, asked.name)}
                    if asked.name
                    else await states.states(asked.project, asked.domain)
                )
            found = []
            for plan in plans:
                copy = launch_plan_pb2.LaunchPlan()
                copy.CopyFrom(plan)
                state = (known or {}).get(plan.id.name)
                found.append(state.applied(copy) if state is not None else copy)
            return found

        return prepare

    async def list_active_launch_plans(
        self, request: launch_plan_pb2.ActiveLaunchPlanListRequest, _: CallContext
    ) -> launch_plan_pb2.LaunchPlanList:
        """The active launch plans of a domain."""
        given(request.project, "project")
        given(request.domain, "domain")
        start = page(request, "ListActiveLaunchPlans")
        by = order(request, filters.LAUNCH_PLAN) or filters.SortOrder("name", descending=False)
        columns: dict[str, Callable[[launch_plan_pb2.LaunchPlan], Any]] = {
            **PLANS.columns,
            "created_at": lambda plan: time_of(plan.closure.created_at),
        }
        if by.field not in columns and by.field not in (*_NAME, "version"):
            raise InvalidRequest(f"'l.{by.field}': Flyte 2 keeps no such column; sort by another")
        known = await self._registry.plans.states(request.project, request.domain)
        states = sorted((state for state in known.values() if state.active), key=lambda state: state.name)
        if by.field == "name":
            states = states[::-1] if by.descending else states
            states, start_in = states[start : start + request.limit], 0
        else:
            start_in = start
        found = await asyncio.gather(*(self._active(request, state) for state in states))
        plans = filters.sort(
            [plan for plan in found if plan is not None],
            None if by.field == "name" else by,
            lambda plan, field: columns[field](plan) if field in columns else getattr(plan.id, field),
        )
        plans = plans[start_in : start_in + request.limit]
        token = filters.next_token(start, len(plans), request.limit)
        return launch_plan_pb2.LaunchPlanList(launch_plans=plans, token=token)

    async def _active(
        self, request: launch_plan_pb2.ActiveLaunchPlanListRequest, state: Any
    ) -> launch_plan_pb2.LaunchPlan | None:
        name = common_pb2.NamedEntityIdentifier(project=request.project, domain=request.domain, name=state.name)
        try:
            plan = await self._registry.get_registered_launch_plan(_version(name, state.active))
        except NotFound:
            return None
        applied: launch_plan_pb2.LaunchPlan = state.applied(plan)
        return applied

    async def list_launch_plan_ids(
        self, request: common_pb2.NamedEntityIdentifierListRequest, _: CallContext
    ) -> common_pb2.NamedEntityIdentifierList:
        """The names of launch plans."""
        call = "ListLaunchPlanIds"
        return await list_ids(self._registry, request, filters.LAUNCH_PLAN, identifier.LAUNCH_PLAN, call)


def _name_of(id_: identifier_pb2.Identifier) -> common_pb2.NamedEntityIdentifier:
    return common_pb2.NamedEntityIdentifier(project=id_.project, domain=id_.domain, name=id_.name)


def _version(name: common_pb2.NamedEntityIdentifier, version: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=LAUNCH_PLAN, project=name.project, domain=name.domain, name=name.name, version=version
    )
