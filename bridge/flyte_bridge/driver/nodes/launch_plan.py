"""Launch plan nodes: a child execution each, which is a run of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2

from flyte_bridge.admin import effective_attributes, launch_settings
from flyte_bridge.driver import child_actions, failure
from flyte_bridge.driver.execution import Ending
from flyte_bridge.driver.patience import PATIENCE, patient
from flyte_bridge.errors import AlreadyExists, BackendError, InvalidRequest, NodeError, NotFound
from flyte_bridge.registry import specs
from flyte_bridge.registry.attributes import Attributes
from flyte_bridge.registry.deployed import Deployed
from flyte_bridge.registry.documents import Documents
from flyte_bridge_translators.wire import execution as wire_execution
from flyte_bridge_translators.wire import identifier
from flyte_bridge_translators.wire import launch_plan as wire_launch_plan
from flyte_bridge_translators.wire.phase import GOOD, TERMINAL

if TYPE_CHECKING:
    from flyteidl2.task import common_pb2

    from flyte_bridge.driver.scope import Step

_log = logging.getLogger("flyte_bridge.driver")

CHILD_FAILED = "RemoteChildWorkflowExecutionFailed"
"""Flyte 1's code of a child execution that was aborted (`nodes/subworkflow/launchplan.go`)."""

OFFLOADED = 1024 * 1024
"""Bytes of inputs from which on they are uploaded before the run is created, not sent with it."""

LAUNCH_FAILED = "RuntimeExecutionError"
"""Flyte 1's code of a child execution that could not be started."""


async def run(step: Step) -> literals_pb2.LiteralMap:
    """Run a launch plan as a child execution.

    Raises:
        NodeError: It failed, was aborted, or could not be started.
    """
    async with step.execution.room():
        return await launch(step, step.node.workflow_node.launchplan_ref, step.uid, step.inputs)


async def launch(
    step: Step, plan: Any, uid: str, inputs: literals_pb2.LiteralMap, *, group: str | None = None
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
    execution = step.execution
    group = step.scope.uid if group is None else group
    name = identifier.action_name(uid)
    if execution.children.known(name):  # recorded: by an earlier attempt, or by a backend that recovers by itself
        update = await execution.children.end(name)
        if update.phase in GOOD:
            return await _recorded(step, str(update.output_uri), uid)
    source = execution.source
    if source is not None and (found := await source.result(name)) is not None:
        await child_actions.record(execution, uid, found.trace, group=group, source=found.action)
        execution.journal.recovered(uid)
        return await _recorded(step, found.trace.outputs.output_uri, uid)
    child_name = identifier.child_execution_name(execution.settings.name, uid, step.attempt)
    run_id = v2_identifier_pb2.RunIdentifier(
        org=execution.action.run.org,
        project=execution.settings.project,
        domain=execution.settings.domain,
        name=identifier.run_name(child_name),
    )
    await _create(step, plan, uid, inputs, child_name, run_id)
    details = await _end(step, run_id)
    trace = run_definition_pb2.TraceAction(name=step.node.id, phase=details.status.phase)
    trace.start_time.CopyFrom(details.status.start_time)
    trace.end_time.CopyFrom(details.status.end_time)
    if details.status.phase in GOOD:
        trace.outputs.output_uri = details.attempts[-1].outputs.output_uri if details.attempts else ""
        await child_actions.record(execution, uid, trace, group=group)
        return await _recorded(step, trace.outputs.output_uri, uid)
    error = _failure(details, child_name, uid)
    # a recorder of failures finds the error beside where outputs would be
    await child_actions.write(execution, f"{execution.place(name)}/error.pb", failure.document(error), uid)
    await child_actions.record(execution, uid, trace, group=group)
    raise error


async def _create(
    step: Step,
    plan: Any,
    uid: str,
    inputs: literals_pb2.LiteralMap,
    child_name: str,
    run_id: v2_identifier_pb2.RunIdentifier,
) -> None:
    backend = step.execution.backend
    action = v2_identifier_pb2.ActionIdentifier(run=run_id, name=identifier.ROOT)
    # a real backend answers a second CreateRun of a name as if it had made it, after overwriting the inputs: look first
    with contextlib.suppress(NotFound):
        await patient(lambda: backend.get_action(action_id=action))
        return
    try:
        request = await _request(step, plan, uid, inputs, child_name)
        own: common_pb2.Inputs | None = request.inputs
        offloaded = None
        if request.inputs.ByteSize() >= OFFLOADED:
            offloaded = await patient(
                lambda: backend.upload_inputs(inputs=request.inputs, run_id=run_id, task_id=request.task_id)
            )
            own = None
        await patient(
            lambda: backend.create_run(
                run_id=request.run_id,
                task_id=request.task_id,
                inputs=own,
                offloaded_inputs=offloaded,
                run_spec=request.run_spec,
                source=request.source,
            )
        )
    except AlreadyExists:
        return
    except (InvalidRequest, NotFound, wire_launch_plan.BadLaunchPlan, wire_execution.Unsupported) as error:
        message = f"failed to launch {plan.name}:{plan.version} as {child_name}: {error}"
        raise NodeError(message, code=LAUNCH_FAILED, node=uid) from error


async def _request(
    step: Step, plan: Any, uid: str, inputs: literals_pb2.LiteralMap, child_name: str
) -> run_service_pb2.CreateRunRequest:
    """The run that is the child execution: with the defaults of its launch plan, and its settings where the parent has none.

    Raises:
        NotFound: The launch plan is not registered.
        BadLaunchPlan: The inputs are not what it takes.
        Unsupported: It asks for what Flyte 2 has nothing for.
    """
    execution = step.execution
    registered = await _registered(step, plan)
    full = wire_launch_plan.execution_inputs(inputs, registered, registered.spec.default_inputs)
    for name in registered.spec.fixed_inputs.literals:  # the child's own driver adds them
        full.literals.pop(name, None)
    spec = _spec(step, plan, uid)
    told = await _standing(step, registered.spec.workflow_id.name)
    config = launch_settings.resolve(spec, registered.spec, told.configs)
    spec.max_parallelism = config.max_parallelism
    if config.HasField("security_context"):
        spec.security_context.CopyFrom(config.security_context)
    return wire_execution.to_run(
        project=execution.settings.project,
        domain=execution.settings.domain,
        name=child_name,
        spec=spec,
        task=identifier.deployed(_as_plan(plan), org=execution.action.run.org),
        inputs=full,
        org=execution.action.run.org,
        # the gateway is in the parent's variables, which the specification has taken over
        effect=launch_settings.effect(spec, registered.spec, config, {}, told, environment={}),
        facts=wire_execution.ClosureFacts(registered.spec.workflow_id, time.time_ns()),
    )


async def _standing(step: Step, workflow: str) -> effective_attributes.Standing:
    """What attributes say of child executions of a workflow; asked for once."""
    execution = step.execution
    if workflow not in execution.standings:
        project, domain = execution.settings.project, execution.settings.domain
        attributes = Attributes(execution.backend, Documents(Deployed(execution.backend)))
        execution.standings[workflow] = await patient(
            lambda: effective_attributes.of(attributes, project, domain, workflow)
        )
        for idle in execution.standings[workflow].idle:
            _log.warning("child executions of %s: without effect: %s", workflow, idle)
    found: effective_attributes.Standing = execution.standings[workflow]
    return found


async def _registered(step: Step, plan: Any) -> launch_plan_pb2.LaunchPlan:
    """A launch plan as it was registered; asked for once."""
    execution = step.execution
    where = identifier.deployed(_as_plan(plan), org=execution.action.run.org)
    key = (where.project, where.domain, where.name, where.version)
    if key not in execution.launch_plans:
        details = await patient(lambda: execution.backend.get_task(task_id=where))
        execution.launch_plans[key] = specs.to_launch_plan(details)
    return execution.launch_plans[key]


def _spec(step: Step, plan: Any, uid: str) -> execution_pb2.ExecutionSpec:
    """What the child is asked to be: it inherits what the parent was given (`nodes/subworkflow/launchplan/admin.go`)."""
    execution = step.execution
    parent = execution.settings
    spec = execution_pb2.ExecutionSpec(launch_plan=_as_plan(plan), max_parallelism=parent.max_parallelism)
    metadata = spec.metadata
    metadata.mode = execution_pb2.ExecutionMetadata.CHILD_WORKFLOW
    metadata.nesting = parent.nesting + 1
    metadata.principal = parent.spec.metadata.principal
    metadata.parent_node_execution.node_id = uid
    metadata.parent_node_execution.execution_id.CopyFrom(parent.id)
    if execution.source is not None:
        metadata.mode = execution_pb2.ExecutionMetadata.RECOVERED
        metadata.reference_execution.CopyFrom(parent.id)
        metadata.reference_execution.name = identifier.child_execution_name(execution.source.name, uid)
    spec.labels.values.update(parent.labels)
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


async def _end(step: Step, run_id: v2_identifier_pb2.RunIdentifier) -> Any:
    """The root of the child run when it has ended; cancelled, aborts the run."""
    backend = step.execution.backend
    action = v2_identifier_pb2.ActionIdentifier(run=run_id, name=identifier.ROOT)
    last = None
    try:
        async for details in backend.watch_action(action_id=action, patience=PATIENCE):
            last = details
        return last
    except asyncio.CancelledError:
        if step.execution.ending is not Ending.INTERRUPTED:
            await abort(step, run_id)
        raise


async def abort(step: Step, run_id: v2_identifier_pb2.RunIdentifier) -> None:
    """Abort a child run; one that has ended stays as it is."""
    backend = step.execution.backend
    reason = f"cascading abort as parent execution {step.execution.settings.name} goes no further"
    action = v2_identifier_pb2.ActionIdentifier(run=run_id, name=identifier.ROOT)
    with contextlib.suppress(BackendError):
        if (await backend.get_action(action_id=action)).status.phase not in TERMINAL:
            await backend.abort_run(run_id=run_id, reason=reason)


def _failure(details: Any, child: str, uid: str) -> NodeError:
    if details.status.phase == phase_pb2.ACTION_PHASE_ABORTED:
        return NodeError(f"launchplan [{child}] aborted", code=CHILD_FAILED, node=uid)
    info = details.error_info
    kind = "SYSTEM" if info.kind == run_definition_pb2.ErrorInfo.KIND_SYSTEM else "USER"
    message = info.message or "Unknown Error"
    return NodeError(message, code=info.code or "LaunchPlanExecutionFailed", node=uid, kind=kind)  # type: ignore[arg-type]


async def _recorded(step: Step, uri: str, uid: str) -> literals_pb2.LiteralMap:
    if not uri:
        return literals_pb2.LiteralMap()
    outputs = await child_actions.outputs(step.execution, uri, uid)
    return outputs if outputs is not None else literals_pb2.LiteralMap()


def _as_plan(plan: Any) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN,
        project=plan.project,
        domain=plan.domain,
        name=plan.name,
        version=plan.version,
    )
