"""The schedule of an active launch plan as a trigger of Flyte 2: one of each name, pinned to the active version.

What the trigger's runs are told (labels, annotations, environment variables, security context, …) is what an execution of
the launch plan would be told when it is activated; attributes and project labels that change later count from the next
activation on.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from flyteidl.admin import execution_pb2, launch_plan_pb2
from flyteidl2.common import identifier_pb2
from flyteidl2.trigger import trigger_definition_pb2

from flyte_bridge.admin import effective_attributes, launch_settings
from flyte_bridge.errors import InvalidRequest, NotFound, Unimplemented
from flyte_bridge.registry.deployed import ORG
from flyte_bridge_translators.wire import execution, identifier, schedule

if TYPE_CHECKING:
    from flyteidl2.task import run_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.registry import Registry

NAME = "schedule"
"""The trigger's."""

_log = logging.getLogger("flyte_bridge.admin")


class Schedules:
    """Schedules of launch plans."""

    def __init__(self, backend: BackendClient, registry: Registry) -> None:
        """Takes where triggers are deployed, and what attributes are kept in."""
        self._backend = backend
        self._registry = registry

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
        for remark in automation.remarks:
            _log.warning("launch plan %s %s: %s", plan.id.name, plan.id.version, remark)
        spec = trigger_definition_pb2.TriggerSpec(
            active=True,
            task_version=identifier.version(plan.id.version),
            description=f"The schedule of Flyte 1's launch plan {plan.id.name}",
        )
        spec.run_spec.CopyFrom(await self._run_spec(plan))
        await self._backend.deploy_trigger(name=_trigger(plan), spec=spec, automation=automation.spec)

    async def rest(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Follow no schedule of a launch plan's name any longer."""
        name = _trigger(plan)
        try:
            known = await self._backend.get_trigger(name=name)
        except NotFound:
            return
        if known.spec.active:
            await self._backend.update_triggers(names=[name], active=False)

    async def _run_spec(self, plan: launch_plan_pb2.LaunchPlan) -> run_pb2.RunSpec:
        asked = execution_pb2.ExecutionSpec(launch_plan=plan.id)
        asked.metadata.mode = execution_pb2.ExecutionMetadata.SCHEDULED
        told, project = await asyncio.gather(
            effective_attributes.of(
                self._registry.attributes, plan.id.project, plan.id.domain, plan.spec.workflow_id.name
            ),
            self._backend.get_project(project_id=plan.id.project),
        )
        for idle in told.idle:
            _log.warning("launch plan %s %s: without effect: %s", plan.id.name, plan.id.version, idle)
        config = launch_settings.resolve(asked, plan.spec, told.configs)
        asked.max_parallelism = config.max_parallelism
        if config.HasField("security_context"):
            asked.security_context.CopyFrom(config.security_context)
        effect = launch_settings.effect(
            asked,
            plan.spec,
            config,
            dict(project.labels.values),
            told,
            environment=self._registry.settings.gateway_environment,
        )
        try:
            return execution.run_spec(asked, effect=effect)
        except execution.Unsupported as error:
            raise Unimplemented(str(error)) from None


def _trigger(plan: launch_plan_pb2.LaunchPlan) -> identifier_pb2.TriggerName:
    return identifier_pb2.TriggerName(
        org=ORG,
        project=plan.id.project,
        domain=plan.id.domain,
        task_name=identifier.task_name(identifier.LAUNCH_PLAN, plan.id.name),
        name=NAME,
    )
