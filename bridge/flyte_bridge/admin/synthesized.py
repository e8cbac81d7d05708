"""Workflows and launch plans that nobody registered: around a task that runs alone, and of runs born in Flyte 2.

Both follow from something else, and are made when somebody asks for them by name. Every other name is `Entities`' and
`LaunchPlans`' to answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import identifier_pb2

from flyte_bridge.admin.entities import Entities
from flyte_bridge.admin.launch_plans import LaunchPlans
from flyte_bridge.admin.reading import ExecutionReader
from flyte_bridge.errors import NotFound
from flyte_bridge.registry.registry import missing
from flyte_bridge_translators.wire import foreign, single_task

if TYPE_CHECKING:
    from flyteidl.admin import common_pb2, launch_plan_pb2, workflow_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core
    from flyte_bridge.admin.snapshots import RunView


class Synthesized:
    """`GetWorkflow` and `GetLaunchPlan`."""

    def __init__(self, core: Core) -> None:
        """Takes what the façade's parts share."""
        self._registry = core.registry
        self._reader = ExecutionReader(core)
        self._entities = Entities(core)
        self._plans = LaunchPlans(core)

    async def get_workflow(self, request: common_pb2.ObjectGetRequest, context: CallContext) -> workflow_pb2.Workflow:
        """A workflow with its closure."""
        if request.id.resource_type == identifier_pb2.WORKFLOW:
            task = single_task.task_of(request.id)
            if task is not None:
                return (await self._around(request.id, task)).workflow
            run = foreign.run_of(request.id)
            if run is not None:
                return (await self._reader.plan(await self._run(request.id, run, context))).workflow
        return await self._entities.get_workflow(request, context)

    async def get_launch_plan(
        self, request: common_pb2.ObjectGetRequest, context: CallContext
    ) -> launch_plan_pb2.LaunchPlan:
        """A launch plan."""
        if request.id.resource_type == identifier_pb2.LAUNCH_PLAN:
            task = single_task.task_of(request.id)
            if task is not None:
                return (await self._around(request.id, task)).launch_plan
            run = foreign.run_of(request.id)
            if run is not None:
                found = (await self._reader.plan(await self._run(request.id, run, context))).launch_plan
                if found is not None:
                    return found
        return await self._plans.get_launch_plan(request, context)

    async def _around(
        self, asked: identifier_pb2.Identifier, task: identifier_pb2.Identifier
    ) -> single_task.SingleTask:
        try:
            found = await self._registry.get_task(task)
        except NotFound:
            raise missing(asked) from None
        made = single_task.of_template(found.closure.compiled_task.template)
        registered = found.closure.created_at  # flyteadmin makes both when the task first runs alone
        for closure in (made.workflow.closure, made.launch_plan.closure):
            closure.created_at.CopyFrom(registered)
        made.launch_plan.closure.updated_at.CopyFrom(registered)
        return made

    async def _run(self, asked: identifier_pb2.Identifier, run: str, context: CallContext) -> RunView:
        who = identifier_pb2.WorkflowExecutionIdentifier(project=asked.project, domain=asked.domain, name=run)
        try:
            view = await self._reader.run(who, context)
        except NotFound:
            raise missing(asked) from None
        if not foreign.is_foreign(view.root, view.settings):
            raise missing(asked)
        return view
