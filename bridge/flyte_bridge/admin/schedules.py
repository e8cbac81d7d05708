"""The schedule of an active launch plan as a trigger of Flyte 2: one of each name, pinned to the active version.

What the trigger's runs are told (labels, annotations, environment variables, security context, …) is what an execution of
the launch plan would be told when it is activated; attributes and project labels that change later count from the next
activation on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2
from flyteidl2.trigger import trigger_definition_pb2

from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge.launch.request import Target
from flyte_bridge.registry.deployed import ORG
from flyte_bridge_translators.wire import identifier, schedule

if TYPE_CHECKING:
    from flyteidl.admin import launch_plan_pb2
    from flyteidl.core import identifier_pb2 as core_identifier_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.launch.launcher import Launcher

NAME = "schedule"
"""The trigger's."""


class Schedules:
    """Schedules of launch plans."""

    def __init__(self, backend: BackendClient, launcher: Launcher) -> None:
        """Takes where triggers are deployed, and who knows what executions are told."""
        self._backend = backend
        self._launcher = launcher

    async def follow(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Follow the schedule of a launch plan from now on, and no other of its name.

        Raises:
            InvalidRequest: Flyte 2 cannot follow it.
            Unimplemented: Its executions ask for what Flyte 2 has nothing for.
        """
        try:
            automation = schedule.to_automation(plan.spec.entity_metadata.schedule)
        except schedule.BadSchedule as error:
            raise InvalidRequest(str(error)) from None
        if automation is None:
            await self.rest(plan)
            return
        spec = trigger_definition_pb2.TriggerSpec(
            active=True,
            task_version=identifier.version(plan.id.version),
            description=f"The schedule of Flyte 1's launch plan {plan.id.name}",
        )
        spec.run_spec.CopyFrom(await self._launcher.run_spec(Target.of_plan(plan, ORG)))
        await self._backend.deploy_trigger(name=trigger_of(plan.id), spec=spec, automation=automation)

    async def rest(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Follow no schedule of a launch plan's name any longer."""
        name = trigger_of(plan.id)
        try:
            known = await self._backend.get_trigger(name=name)
        except NotFound:
            return
        if known.spec.active:
            await self._backend.update_triggers(names=[name], active=False)


def trigger_of(plan: core_identifier_pb2.Identifier) -> identifier_pb2.TriggerName:
    """The trigger that follows the schedule of a launch plan's name, whichever version is active."""
    return identifier_pb2.TriggerName(
        org=ORG,
        project=plan.project,
        domain=plan.domain,
        task_name=identifier.task_name(identifier.LAUNCH_PLAN, plan.name),
        name=NAME,
    )
