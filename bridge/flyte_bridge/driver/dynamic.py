"""Dynamic tasks: what they leave to be run is compiled, recorded, and run beneath them.

The rules are flytepropeller's (`nodes/dynamic/{handler,dynamic_workflow}.go`, 1.16). Tasks and launch plans that the task
refers to without bringing them are fetched from the registry; flytepropeller fetches launch plans only.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flyteidl.admin import launch_plan_pb2
from flyteidl.core import dynamic_job_pb2, interface_pb2, literals_pb2, tasks_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.driver import child_actions
from flyte_bridge.driver.closure import Tables
from flyte_bridge.driver.patience import patient
from flyte_bridge.driver.scope import NodeUnderWay, WorkflowCall
from flyte_bridge.errors import InternalError, NodeError, NotFound
from flyte_bridge.registry import specs
from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import dynamic_closure, identifier, plugin, workflow
from flyte_bridge_translators.wire.compiler.problems import CompileError

if TYPE_CHECKING:
    from flyteidl.core import compiler_pb2, identifier_pb2
    from flyteidl2.core import tasks_pb2 as v2_tasks_pb2
    from flyteidl2.task import task_definition_pb2

    from flyte_bridge_translators.flyte1.nodes import Node

BUILD_FAILED = "DynamicWorkflowBuildFailed"
"""Flyte 1's code of a dynamic task whose workflow cannot be compiled."""

UNSUPPORTED = "UnsupportedTaskType"
"""Flyte 1's code of a task that no plugin runs."""


async def expand(
    step: NodeUnderWay[Node], template: v2_tasks_pb2.TaskTemplate, futures: bytes, attempt: int
) -> literals_pb2.LiteralMap:
    """Run what a dynamic task has left to be run.

    Args:
        step: Its node, or the array node's element.
        template: The task as it ran.
        futures: Its `futures.pb`.
        attempt: Which attempt of it, from 0, has left that.

    Returns:
        The dynamic workflow's outputs, which are the node's.

    Raises:
        NodeError: It cannot be compiled, or one of its nodes failed.
    """
    try:
        closure = await _built(step, template, futures)
    except NodeError as error:
        # its task's action has succeeded, and shows nothing of it
        name = identifier.closure_id(step.uid)
        await child_actions.record_failure(step.execution, step.uid, error, group=step.scope.uid, name=name)
        raise
    attempt = await _attempt(step, attempt)
    await _record(step, closure, attempt)
    expanded = read.closure(closure)
    step.execution.journal.expanded(step.uid, expanded, attempt)
    tables = Tables(expanded)
    return await WorkflowCall(
        step.execution, expanded.primary, tables, step.inputs, uid=step.uid, attempt=attempt
    ).run()


async def _built(
    step: NodeUnderWay[Node], template: v2_tasks_pb2.TaskTemplate, futures: bytes
) -> compiler_pb2.CompiledWorkflowClosure:
    try:
        spec = dynamic_job_pb2.DynamicJobSpec.FromString(futures)
    except DecodeError as error:
        message = f"unable to read futures file, maybe corrupted: {error}"
        raise NodeError(message, code=BUILD_FAILED, node=step.uid, kind="SYSTEM") from error
    for one in spec.tasks:  # those of a static workflow were looked at when they were registered
        if one.type in plugin.GONE:
            raise NodeError(plugin.refusal(one), code=UNSUPPORTED, node=step.uid)
    return await _compiled(step, specs.convert(template, tasks_pb2.TaskTemplate), spec)


async def _compiled(
    step: NodeUnderWay[Node], task: tasks_pb2.TaskTemplate, spec: dynamic_job_pb2.DynamicJobSpec
) -> compiler_pb2.CompiledWorkflowClosure:
    execution = step.execution
    try:
        needs = workflow.dynamic_requirements(spec)
        brought = {(one.id.name, one.id.version) for one in spec.tasks}
        missing = [one for one in needs.tasks if (one.name, one.version) not in brought]
        tasks, plans = await asyncio.gather(
            asyncio.gather(*(_task(step, one) for one in missing)),
            asyncio.gather(*(_launch_plan(step, one) for one in needs.launch_plans)),
        )
        return workflow.compile_dynamic(
            spec,
            task=task,
            project=execution.settings.project,
            domain=execution.settings.domain,
            node_id=step.node.id,
            version=execution.settings.name,
            tasks=tasks,
            launch_plans=plans,
        )
    except CompileError as error:
        raise NodeError(f"malformed dynamic workflow: {error}", code=BUILD_FAILED, node=step.uid) from error


async def _task(step: NodeUnderWay[Node], wanted: identifier_pb2.Identifier) -> tasks_pb2.TaskTemplate:
    found = specs.to_task(await _registered(step, wanted))
    return found.closure.compiled_task.template


async def _launch_plan(step: NodeUnderWay[Node], wanted: identifier_pb2.Identifier) -> launch_plan_pb2.LaunchPlan:
    details = await _registered(step, wanted)
    try:
        plan = specs.to_launch_plan(details)
    except InternalError as error:
        raise NodeError(str(error), code=BUILD_FAILED, node=step.uid, kind="SYSTEM") from error
    # registration keeps the expected inputs as the spec's default ones (`registry.specs.of_launch_plan`)
    plan.closure.expected_inputs.CopyFrom(plan.spec.default_inputs)
    own = specs.convert(details.spec.task_template.interface, interface_pb2.TypedInterface)
    plan.closure.expected_outputs.CopyFrom(own.outputs)
    return plan


async def _registered(step: NodeUnderWay[Node], wanted: identifier_pb2.Identifier) -> task_definition_pb2.TaskDetails:
    where = identifier.deployed(wanted, org=step.execution.action.run.org)
    try:
        return await patient(lambda: step.execution.backend.get_task(task_id=where))
    except NotFound as error:
        name = f"{wanted.project}:{wanted.domain}:{wanted.name}:{wanted.version}"
        message = f"the dynamic task uses {name}, which is not registered: register it, then run again"
        raise NodeError(message, code=BUILD_FAILED, node=step.uid) from error


async def _record(step: NodeUnderWay[Node], closure: compiler_pb2.CompiledWorkflowClosure, attempt: int) -> None:
    """Note what the node has become, so that readers need no access to the storage; once, whatever happens after it."""
    execution, name = step.execution, identifier.closure_id(step.uid)
    if execution.children.known(name):
        return
    trace = run_definition_pb2.TraceAction(name="closure", phase=phase_pb2.ACTION_PHASE_SUCCEEDED)
    trace.start_time.GetCurrentTime()
    trace.end_time.GetCurrentTime()
    trace.outputs.output_uri = f"{execution.place(name)}/outputs.pb"
    await child_actions.write(
        execution, trace.outputs.output_uri, dynamic_closure.to_outputs(closure, attempt), step.uid
    )
    await child_actions.record(execution, step.uid, trace, group=step.scope.uid, name=name)


async def _attempt(step: NodeUnderWay[Node], own: int) -> int:
    """Which attempt of the task, from 0, has left it: ids of nodes beneath it hold that.

    One that was taken over from the run that is recovered keeps the number it had there, so that the nodes beneath it are
    found there too.
    """
    execution = step.execution
    source = execution.source
    if source is not None and await source.of_node(step.uid) is not None:
        record = await source.result(identifier.closure_id(step.uid))
        told = await child_actions.outputs(execution, record.uri, step.uid) if record is not None else None
        return dynamic_closure.attempt_of(told.literals) if told is not None else 0
    return own
