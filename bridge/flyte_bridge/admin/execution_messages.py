"""Runs as the executions that flyteadmin answers with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flyteidl.core import identifier_pb2

from flyte_bridge.launch import settings
from flyte_bridge_translators.wire import execution

if TYPE_CHECKING:
    from flyteidl.admin import execution_pb2

    from flyte_bridge.admin.snapshots import ExecutionPlan, RunView


def to_message(view: RunView, plan: ExecutionPlan) -> execution_pb2.Execution:
    """A run as the execution that it is, with what its plan adds."""
    found = execution.from_run(view.details.run_spec, view.root, time.time_ns())
    complete(found, plan)
    return found


def complete(found: execution_pb2.Execution, plan: ExecutionPlan) -> None:
    """Adds what was launched, the workflow that runs, and whom to tell, where the run does not say so itself."""
    plan_spec = plan.launch_plan.spec if plan.launch_plan is not None else None
    found.closure.notifications.extend(settings.notifications(found.spec, plan_spec))
    if not found.spec.launch_plan.name:
        if plan.launch_plan is not None and not plan.single:
            found.spec.launch_plan.CopyFrom(plan.launch_plan.id)
        elif plan.single:
            found.spec.launch_plan.CopyFrom(plan.workflow.closure.compiled_workflow.tasks[0].template.id)
            found.spec.launch_plan.resource_type = identifier_pb2.TASK
        else:  # the workflow was run by itself: its default launch plan has its name
            found.spec.launch_plan.CopyFrom(plan.workflow.id)
            found.spec.launch_plan.resource_type = identifier_pb2.LAUNCH_PLAN
    if not found.closure.HasField("workflow_id"):
        found.closure.workflow_id.CopyFrom(plan.workflow.id)
