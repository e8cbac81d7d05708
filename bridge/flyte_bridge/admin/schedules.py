"""The schedule of an active launch plan as a trigger of Flyte 2: one of each name, pinned to the active version.

What the trigger's runs are told (labels, annotations, environment variables, security context, …) is what an execution of
the launch plan would be told when it is activated; attributes and project labels that change later count from the next
activation on. Activated again without such a change nothing is deployed: Flyte 2 would count a fixed rate anew, from when
it last fired.

A fixed rate begins where the trigger was told to begin (`begin_rate`), for as long as the rate stays the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2
from flyteidl2.trigger import trigger_definition_pb2

from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge.launch.request import Launched
from flyte_bridge.registry import specs
from flyte_bridge.registry.deployed import ORG
from flyte_bridge_translators.wire import identifier, schedule

if TYPE_CHECKING:
    from datetime import datetime

    from flyteidl.admin import launch_plan_pb2
    from flyteidl.core import identifier_pb2 as core_identifier_pb2
    from flyteidl2.task import common_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.launch.launcher import Launcher

NAME = "schedule"
"""The trigger's."""


class Schedules:
    """Schedules of launch plans."""

    def __init__(self, backend: BackendClient, launcher: Launcher, zone: str = schedule.UTC) -> None:
        """Takes where triggers are deployed, who knows what executions are told, and the zone of flyteadmin's process."""
        self._backend = backend
        self._launcher = launcher
        self._zone = zone

    async def follow(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Follow the schedule of a launch plan from now on, and no other of its name.

        Raises:
            InvalidRequest: Flyte 2 cannot follow it.
            Unimplemented: Its executions ask for what Flyte 2 has nothing for.
        """
        try:
            automation = schedule.to_automation(plan.spec.entity_metadata.schedule, self._zone)
        except schedule.BadSchedule as error:
            raise InvalidRequest(str(error)) from None
        if automation is None:
            await self.rest(plan)
            return
        spec = _spec(plan.id)
        spec.run_spec.CopyFrom(await self._launcher.run_spec(Launched.of_plan(plan, ORG)))
        known = await _known(self._backend, plan.id)
        if known is not None:
            _keep_start(automation, known.automation_spec)
            if _says(known, spec, automation):
                return
        await self._backend.deploy_trigger(name=trigger_of(plan.id), spec=spec, automation=automation)

    async def rest(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Follow no schedule of a launch plan's name any longer."""
        known = await _known(self._backend, plan.id)
        if known is not None and known.spec.active:
            await self._backend.update_triggers(names=[trigger_of(plan.id)], active=False)


async def begin_rate(backend: BackendClient, plan: launch_plan_pb2.LaunchPlan, at: datetime) -> None:
    """Let the fixed rate of a launch plan begin at a given time: when it is active it fires on the grid of that time.

    Args:
        backend: Where triggers are deployed.
        plan: The launch plan, whose schedule is a fixed rate; it stays as active as it is.
        at: A time of the grid (aware); whole seconds count.
    """
    automation = schedule.to_automation(plan.spec.entity_metadata.schedule)
    if automation is None or not automation.schedule.HasField("rate"):
        raise InvalidRequest(f"launch plan {plan.id.name} has no fixed rate that could begin at {at.isoformat()}")
    automation.schedule.rate.start_time.FromSeconds(int(at.timestamp()))
    known = await _known(backend, plan.id)
    spec = _spec(plan.id)
    spec.active = False
    if known is not None:
        spec.CopyFrom(known.spec)
        if specs.same(known.automation_spec, automation):
            return
    await backend.deploy_trigger(name=trigger_of(plan.id), spec=spec, automation=automation)


async def _known(
    backend: BackendClient, plan: core_identifier_pb2.Identifier
) -> trigger_definition_pb2.TriggerDetails | None:
    try:
        return await backend.get_trigger(name=trigger_of(plan))
    except NotFound:
        return None


def _spec(plan: core_identifier_pb2.Identifier) -> trigger_definition_pb2.TriggerSpec:
    return trigger_definition_pb2.TriggerSpec(
        active=True,
        task_version=identifier.version(plan.version),
        description=f"The schedule of Flyte 1's launch plan {plan.name}",
    )


def _keep_start(automation: common_pb2.TriggerAutomationSpec, known: common_pb2.TriggerAutomationSpec) -> None:
    """A rate that was told when to begin goes on with it, which a launch plan cannot say."""
    rate, before = automation.schedule.rate, known.schedule.rate
    if before.HasField("start_time") and (rate.value, rate.unit) == (before.value, before.unit):
        rate.start_time.CopyFrom(before.start_time)


def _says(
    known: trigger_definition_pb2.TriggerDetails,
    spec: trigger_definition_pb2.TriggerSpec,
    automation: common_pb2.TriggerAutomationSpec,
) -> bool:
    """Whether a trigger is active already, and deploying it would change nothing."""
    return (
        known.spec.active
        and known.spec.task_version == spec.task_version
        and specs.same(known.spec.run_spec, spec.run_spec)
        and specs.same(known.automation_spec, automation)
    )


def trigger_of(plan: core_identifier_pb2.Identifier) -> identifier_pb2.TriggerName:
    """The trigger that follows the schedule of a launch plan's name, whichever version is active."""
    return identifier_pb2.TriggerName(
        org=ORG,
        project=plan.project,
        domain=plan.domain,
        task_name=identifier.task_name(identifier.LAUNCH_PLAN, plan.name),
        name=NAME,
    )
