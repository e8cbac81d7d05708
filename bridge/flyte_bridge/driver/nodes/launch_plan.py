"""Launch plan nodes: a child execution each, which is a run of its own."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from typing import TYPE_CHECKING, Literal

from flyteidl.admin import execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.driver import child_actions
from flyte_bridge.driver.execution import StopReason
from flyte_bridge.driver.patience import PATIENCE, patient
from flyte_bridge.errors import (
    AlreadyExists,
    BackendError,
    FailedPrecondition,
    InvalidRequest,
    NodeError,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unimplemented,
)
from flyte_bridge.launch.request import Launch, Launched
from flyte_bridge.registry import specs
from flyte_bridge_translators.flyte1.names import RUNTIME_EXECUTION
from flyte_bridge_translators.wire import identifier
from flyte_bridge_translators.wire.phase import GOOD, TERMINAL

if TYPE_CHECKING:
    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import Key, LaunchPlanNode, Node

REFUSALS = (
    AlreadyExists,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unimplemented,
)
"""Statuses that make the node fail; after any other the driver goes on later (`launchplan/admin.go`, `handleLaunchError`)."""

_NO_LABEL = re.compile("[^-a-z0-9]+")
_MOST_OF_A_LABEL = 63

CHILD_FAILED = "RemoteChildWorkflowExecutionFailed"
"""Flyte 1's code of a child execution that was aborted (`nodes/subworkflow/launchplan.go`)."""


async def run(step: NodeUnderWay[LaunchPlanNode]) -> literals_pb2.LiteralMap:
    """Run a launch plan as a child execution.

    Raises:
        NodeError: It failed, was aborted, or could not be started.
    """
    async with step.execution.room():
        return await launch(step, step.node.launch_plan, step.uid, step.inputs)


async def launch(
    step: NodeUnderWay[Node], plan: Key, uid: str, inputs: literals_pb2.LiteralMap, *, group: str | None = None
) -> literals_pb2.LiteralMap:
    """Start a child execution, or find the one that an earlier attempt has started, and wait for its end.

    Args:
        step: The node, or the array node whose element this is.
        plan: The launch plan's `Identifier`.
        uid: Unique id of the node or element.
        inputs: What it is given.
        group: What it is shown under, if not under the workflow the node belongs to.

    Raises:
        NodeError: It failed, was aborted, or could not be started.
    """
    execution, began = step.execution, time.time()
    group = step.scope.uid if group is None else group
    name = identifier.action_name(uid)
    if execution.children.known(name):  # recorded: by an earlier attempt, or by a backend that recovers by itself
        update = await execution.children.end(name)
        if update.phase not in GOOD:  # it had failed, or was refused; what is true now changes nothing about that
            raise await child_actions.failed(execution, update, uid)
        return await _recorded(step, str(update.output_uri), uid)
    source = execution.source
    if source is not None and (earlier := await source.result(name)) is not None:
        await child_actions.record(execution, uid, earlier.trace, group=group, source=earlier.action)
        execution.journal.recovered(uid)
        return await _recorded(step, earlier.trace.outputs.output_uri, uid)
    child = _child(step, uid)
    try:
        details = await _ended(step, plan, uid, inputs, child)
    except NodeError as error:
        await child_actions.record_failure(execution, uid, error, group=group, began=began)
        raise
    trace = run_definition_pb2.TraceAction(name=step.node.id, phase=details.status.phase)
    trace.start_time.CopyFrom(details.status.start_time)
    trace.end_time.CopyFrom(details.status.end_time)
    trace.outputs.output_uri = details.attempts[-1].outputs.output_uri if details.attempts else ""
    await child_actions.record(execution, uid, trace, group=group)
    return await _recorded(step, trace.outputs.output_uri, uid)


async def _ended(
    step: NodeUnderWay[Node],
    plan: Key,
    uid: str,
    inputs: literals_pb2.LiteralMap,
    child: identifier_pb2.WorkflowExecutionIdentifier,
) -> run_definition_pb2.ActionDetails:
    """The root of a child execution, which is started if it has to be, when it has ended well.

    Raises:
        NodeError: It failed, was aborted, or could not be started.
    """
    await _start(step, plan, uid, inputs, child)
    details = await _end(step, identifier.run_of(child, step.execution.action.run.org))
    if details.status.phase not in GOOD:
        raise await _failure(step, details, child.name, uid)
    return details


def _child(step: NodeUnderWay[Node], uid: str) -> identifier_pb2.WorkflowExecutionIdentifier:
    """The child execution of a node or element, which is named after it."""
    parent = step.execution.settings
    name = identifier.child_execution_name(parent.name, uid, step.attempt)
    return identifier_pb2.WorkflowExecutionIdentifier(project=parent.project, domain=parent.domain, name=name)


async def _start(
    step: NodeUnderWay[Node],
    plan: Key,
    uid: str,
    inputs: literals_pb2.LiteralMap,
    child: identifier_pb2.WorkflowExecutionIdentifier,
) -> None:
    """Start the child, unless an earlier attempt of the driver has.

    Raises:
        NodeError: It is refused.
    """
    execution = step.execution
    org = execution.action.run.org
    try:
        target = Launched.of_plan(await _registered(step, plan), org)
        launch = Launch(child, target, await _spec(step, plan, uid), inputs, org, _of_parent(step))
        await execution.launcher.start(launch, own=True)
    except REFUSALS as error:
        message = f"failed to launch {plan.name}:{plan.version} as {child.name}: {error}"
        raise NodeError(message, code=RUNTIME_EXECUTION, node=uid) from error


async def _registered(step: NodeUnderWay[Node], plan: Key) -> launch_plan_pb2.LaunchPlan:
    """A launch plan as it was registered; asked for once."""
    execution = step.execution
    where = identifier.deployed(plan.identifier(identifier_pb2.LAUNCH_PLAN), org=execution.action.run.org)
    key = (where.project, where.domain, where.name, where.version)
    if key not in execution.launch_plans:
        details = await patient(lambda: execution.backend.get_task(task_id=where))
        execution.launch_plans[key] = specs.to_launch_plan(details)
    return execution.launch_plans[key]


async def _spec(step: NodeUnderWay[Node], plan: Key, uid: str) -> execution_pb2.ExecutionSpec:
    """What the child is asked to be: it inherits what the parent was given (`nodes/subworkflow/launchplan/admin.go`).

    A child of a recovering execution recovers that of the source run, if that had come to start it; else it begins anew.
    """
    execution = step.execution
    parent = execution.settings
    spec = execution_pb2.ExecutionSpec(
        launch_plan=plan.identifier(identifier_pb2.LAUNCH_PLAN), max_parallelism=parent.max_parallelism
    )
    metadata = spec.metadata
    metadata.mode = execution_pb2.ExecutionMetadata.CHILD_WORKFLOW
    metadata.nesting = parent.nesting + 1
    metadata.principal = parent.spec.metadata.principal
    metadata.parent_node_execution.node_id = uid
    metadata.parent_node_execution.execution_id.CopyFrom(parent.id)
    earlier = await execution.source.child(uid) if execution.source is not None else None
    if earlier is not None:
        metadata.mode = execution_pb2.ExecutionMetadata.RECOVERED
        metadata.reference_execution.CopyFrom(earlier)
    spec.labels.values.update(parent.labels)
    spec.annotations.SetInParent()
    spec.annotations.values.update(parent.annotations)
    spec.envs.values.extend(literals_pb2.KeyValuePair(key=k, value=v) for k, v in sorted(parent.envs.items()))
    spec.overwrite_cache = parent.overwrite_cache
    if parent.interruptible is not None:
        spec.interruptible.value = parent.interruptible
    if parent.security_context is not None:
        spec.security_context.CopyFrom(parent.security_context)
    if parent.raw_output_prefix:
        spec.raw_output_data_config.output_location_prefix = parent.raw_output_prefix
    return spec


def _of_parent(step: NodeUnderWay[Node]) -> dict[str, str]:
    """The labels that tell of whom an execution is a child: its parent's own ones on a cluster
    (`compiler/transformers/k8s/workflow.go`)."""
    parent = step.execution.settings
    workflow = _NO_LABEL.sub("-", step.execution.workflow.name.lower())[:_MOST_OF_A_LABEL].strip("-")
    return {
        "execution-id": parent.name,
        "project": parent.project,
        "domain": parent.domain,
        "workflow-name": workflow,
    }


async def _end(step: NodeUnderWay[Node], run_id: v2_identifier_pb2.RunIdentifier) -> run_definition_pb2.ActionDetails:
    """The root of the child run when it has ended; cancelled, aborts the run."""
    backend = step.execution.backend
    action = v2_identifier_pb2.ActionIdentifier(run=run_id, name=identifier.ROOT)
    last = run_definition_pb2.ActionDetails()
    try:
        async for details in backend.watch_action(action_id=action, patience=PATIENCE):
            last = details
        return last
    except asyncio.CancelledError:
        if step.execution.ending is not StopReason.INTERRUPTED:
            await abort(step, run_id)
        raise


async def abort(step: NodeUnderWay[Node], run_id: v2_identifier_pb2.RunIdentifier) -> None:
    """Abort a child run; one that has ended stays as it is."""
    backend = step.execution.backend
    reason = f"cascading abort as parent execution {step.execution.settings.name} goes no further"
    action = v2_identifier_pb2.ActionIdentifier(run=run_id, name=identifier.ROOT)
    with contextlib.suppress(BackendError):
        if (await backend.get_action(action_id=action)).status.phase not in TERMINAL:
            await backend.abort_run(run_id=run_id, reason=reason)


async def _failure(
    step: NodeUnderWay[Node], details: run_definition_pb2.ActionDetails, child: str, uid: str
) -> NodeError:
    if details.status.phase == phase_pb2.ACTION_PHASE_ABORTED:
        return NodeError(f"launchplan [{child}] aborted", code=CHILD_FAILED, node=uid)
    info = details.error_info
    if not info.code and details.attempts:
        left = await child_actions.left_error(step.execution, details.attempts[-1].outputs.output_uri, uid)
        if left is not None:
            return left
    kind: Literal["SYSTEM", "USER"] = "SYSTEM" if info.kind == run_definition_pb2.ErrorInfo.KIND_SYSTEM else "USER"
    message = info.message or "Unknown Error"
    return NodeError(message, code=info.code or "LaunchPlanExecutionFailed", node=uid, kind=kind, told=True)


async def _recorded(step: NodeUnderWay[Node], uri: str, uid: str) -> literals_pb2.LiteralMap:
    if not uri:
        return literals_pb2.LiteralMap()
    outputs = await child_actions.outputs(step.execution, uri, uid)
    return outputs if outputs is not None else literals_pb2.LiteralMap()
