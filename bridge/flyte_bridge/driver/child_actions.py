"""What a node can have done for it: a task, a record of what is done, a condition, a sleep.

Each is a child action of a deterministic name. It is begun unless an earlier attempt of the driver, or the run that is
recovered, has it already; cancelled, it aborts its action.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from flyteidl.core import literals_pb2
from flyteidl2.actions import actions_service_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.driver import failure, task_template
from flyte_bridge.errors import BackendError, FailedPrecondition, NodeError
from flyte_bridge_translators.flyte1.names import BAD_TASK
from flyte_bridge_translators.wire import error_document, exhausted, identifier, node_record
from flyte_bridge_translators.wire.phase import GOOD

if TYPE_CHECKING:
    from flyteidl2.task import task_definition_pb2

    from flyte_bridge.driver.execution import Execution

OUTPUTS_NOT_FOUND = "OutputsNotFound"
STORAGE = "StorageError"

AFTER_ABORT = 5.0
"""Seconds that an abort found by a restarted driver waits for the failure that may have caused it."""


async def begin(
    execution: Execution,
    uid: str,
    spec: task_definition_pb2.TaskSpec,
    inputs: literals_pb2.LiteralMap,
    *,
    group: str,
    cache_key: str = "",
    run_spec: Any | None = None,
    inputs_uri: str = "",
    name: str = "",
) -> str | None:
    """Have a task run, unless an earlier attempt of the driver has.

    Args:
        execution: What it belongs to.
        uid: Unique id of the node or element.
        spec: The task; its template's id says which one it is.
        inputs: What it is given.
        group: What it is shown under.
        cache_key: What tells its cached results from those of other versions.
        run_spec: What holds for it instead of the run's own spec.
        inputs_uri: Where its inputs lie already, so that elements can share them; `inputs` is then not written.
        name: The action's name where it is not the node's.

    Returns:
        Where its results lie, if they were taken over; None if `finished` has to be waited for.

    Raises:
        NodeError: Its inputs cannot be stored, or Flyte 2 refuses it.
    """
    name = name or identifier.action_name(uid)
    if execution.children.known(name):
        return None
    taken = await taken_over(execution, uid, name, group)
    if taken is not None:
        return taken
    if not inputs_uri:
        inputs_uri = f"{execution.place(name)}/inputs.pb"
        await write(execution, inputs_uri, inputs, uid)
    action = _action(execution, name, group)
    action.input_uri = inputs_uri
    action.task.id.CopyFrom(task_id(spec.task_template.id, execution.action.run.org))
    action.task.spec.CopyFrom(spec)
    if task_template.is_asked_for(action.task.spec.task_template):
        uri = f"{execution.place(name)}/task.pb"
        await write(execution, uri, action.task.spec.task_template, uid)
        task_template.name(action.task.spec.task_template, uri)
    if cache_key:
        action.task.cache_key.value = cache_key
    await _enqueue(execution, action, uid, run_spec)
    return None


async def finished(execution: Execution, uid: str, name: str = "") -> str:
    """Wait for the end of a task that has begun.

    Args:
        execution: What it belongs to.
        uid: Unique id of the node or element.
        name: The action's name where it is not the node's.

    Returns:
        Where its results lie.

    Raises:
        NodeError: It failed.
    """
    update = await end(execution, name or identifier.action_name(uid))
    if update.phase not in GOOD:
        raise await failed(execution, update, uid)
    return str(update.output_uri)


def task_id(v1: Any, org: str) -> task_definition_pb2.TaskIdentifier:
    """Where a task of Flyte 1 is deployed."""
    return identifier.deployed(_as_task(v1), org=org)


async def sleep(execution: Execution, uid: str, spec: Any, duration: Any, *, group: str) -> None:
    """Let time pass, in an action that needs no process.

    Args:
        execution: What it belongs to.
        uid: The node's unique id.
        spec: The `core-sleep` task.
        duration: How long.
        group: What it is shown under.
    """
    literal = literals_pb2.Literal()
    literal.scalar.primitive.duration.CopyFrom(duration)
    inputs = literals_pb2.LiteralMap(literals={"duration": literal})
    if await begin(execution, uid, spec, inputs, group=group) is None:
        await finished(execution, uid)


async def condition(
    execution: Execution, uid: str, condition: run_definition_pb2.ConditionAction, *, group: str
) -> Any:
    """Wait for somebody's answer; the one given in the run that is recovered counts again.

    Returns:
        The literal they gave.

    Raises:
        NodeError: Nobody did in time.
    """
    name = identifier.action_name(uid)
    if not execution.children.known(name):
        action = _action(execution, name, group)
        action.condition.CopyFrom(condition)
        taken = await execution.source.result(name) if execution.source is not None else None
        if taken is not None:
            action.recovered_from.CopyFrom(taken.action)
        await _enqueue(execution, action, uid, None)
        if taken is not None and taken.value is not None:
            execution.journal.recovered(uid)
            primitive = taken.value.scalar.primitive
            answer = getattr(primitive, primitive.WhichOneof("value"))
            # a backend that knows recovery has answered it already
            with contextlib.suppress(FailedPrecondition):
                await execution.backend.signal_event(
                    action_id=execution.children.identifier(name), value=answer, parent=execution.action.name
                )
    update = await end(execution, name)
    if update.phase == phase_pb2.ACTION_PHASE_TIMED_OUT:
        limit = condition.timeout.ToTimedelta().total_seconds()
        raise NodeError(exhausted.time_out(limit), code=exhausted.TIMED_OUT, node=uid)
    if update.phase not in GOOD:
        raise await failed(execution, update, uid)
    return update.value


async def record(
    execution: Execution,
    uid: str,
    trace: run_definition_pb2.TraceAction,
    *,
    group: str,
    name: str = "",
    source: v2_identifier_pb2.ActionIdentifier | None = None,
) -> None:
    """Note what is done already, as an action that has ended. One that failed has left its error in its place.

    Args:
        execution: What it belongs to.
        uid: The node's unique id.
        trace: When it began and ended, how, and where its outputs are.
        group: What it is shown under.
        name: The action's name where it is not the node's.
        source: The action whose outputs these are, in the run that is recovered.
    """
    name = name or identifier.action_name(uid)
    failed = trace.phase not in {*GOOD, phase_pb2.ACTION_PHASE_UNSPECIFIED}
    action = _action(execution, name, node_record.failed_group(group) if failed else group)
    action.trace.CopyFrom(trace)
    if failed:
        action.trace.outputs.output_uri = f"{execution.place(name)}/{error_document.NAME}"
    if source is not None:
        action.recovered_from.CopyFrom(source)
    await _enqueue(execution, action, uid, None)


async def record_failure(
    execution: Execution, uid: str, error: NodeError, *, group: str, began: float = 0.0, name: str = ""
) -> None:
    """Note that a node has failed, unless an action of its own shows it: its inputs could not be resolved, or it was refused.

    Args:
        execution: What it belongs to.
        uid: Unique id of the node or element.
        error: Why it failed.
        group: What it is shown under.
        began: When it began, in seconds since the epoch; now if 0.
        name: The action's name where it is not the node's.
    """
    name = name or identifier.action_name(uid)
    if execution.children.known(name):
        return
    trace = run_definition_pb2.TraceAction(name=uid, phase=phase_pb2.ACTION_PHASE_FAILED)
    trace.start_time.FromNanoseconds(int((began or time.time()) * 1e9))
    trace.end_time.GetCurrentTime()
    await write(execution, f"{execution.place(name)}/{error_document.NAME}", failure.document(error), uid)
    await record(execution, uid, trace, group=group, name=name)


async def end(execution: Execution, name: str) -> Any:
    """The last update of a child; cancelled, aborts it."""
    try:
        update = await execution.children.end(name)
        if update.phase == phase_pb2.ACTION_PHASE_ABORTED and execution.children.found(name):
            # Most likely an earlier attempt of the driver aborted it, because another node had failed: let that failure,
            # which is being found again as well, go first.
            await asyncio.sleep(AFTER_ABORT)
    except asyncio.CancelledError:
        await abort(execution, name)
        raise
    return update


async def abort(execution: Execution, name: str, reason: str = "another node of the workflow has failed") -> None:
    """End a child nobody waits for any more, unless it is the driver that is being ended: then it is the backend's.

    Asked of ActionsService, which knows a child from its enqueue on; readers of a real backend learn of it later.
    """
    if execution.ending is None:
        # what has ended meanwhile, or a backend that is away, needs no abort: the run's own end ends its children
        with contextlib.suppress(BackendError):
            await execution.backend.abort_child(action_id=execution.children.identifier(name), reason=reason)


async def outputs(execution: Execution, prefix: str, uid: str) -> literals_pb2.LiteralMap | None:
    """What a task has put out; None if it left no `outputs.pb`.

    Args:
        execution: What it belongs to.
        prefix: The directory of its results.
        uid: The node's unique id.

    Raises:
        NodeError: The storage fails, or holds something else.
    """
    uri = prefix if prefix.endswith(".pb") else f"{prefix}/outputs.pb"
    data = await read(execution, uri, uid)
    return None if data is None else parse(data, uri, uid)


def parse(data: bytes, uri: str, uid: str) -> literals_pb2.LiteralMap:
    """A `LiteralMap` from its bytes.

    Raises:
        NodeError: They are something else.
    """
    from google.protobuf.message import DecodeError

    try:
        return literals_pb2.LiteralMap.FromString(data)
    except DecodeError as error:
        raise NodeError(f"{uri} holds no literals: {error}", code=OUTPUTS_NOT_FOUND, node=uid, kind="SYSTEM") from error


async def read(execution: Execution, uri: str, uid: str) -> bytes | None:
    """An object's bytes; None if there is none.

    Raises:
        NodeError: The storage fails.
    """
    from flyte_bridge.errors import NoSuchObject

    try:
        return bytes(await execution.storage.read(uri))
    except NoSuchObject:
        return None
    except BackendError as error:
        raise NodeError(f"{uri} cannot be read: {error}", code=STORAGE, node=uid, kind="SYSTEM") from error


async def write(execution: Execution, uri: str, message: Any, uid: str) -> None:
    """Store a message.

    Raises:
        NodeError: The storage fails.
    """
    try:
        await execution.storage.write(uri, message.SerializeToString())
    except BackendError as error:
        raise NodeError(f"{uri} cannot be written: {error}", code=STORAGE, node=uid, kind="SYSTEM") from error


# -- small things -----------------------------------------------------------------------------------------------------


def _action(execution: Execution, name: str, group: str) -> actions_service_pb2.Action:
    action = actions_service_pb2.Action(run_output_base=execution.base, group=group)
    action.action_id.name = name
    return action


async def _enqueue(execution: Execution, action: actions_service_pb2.Action, uid: str, run_spec: Any | None) -> None:
    from flyte_bridge.errors import InvalidRequest, NotFound, ResourceExhausted

    try:
        await execution.children.enqueue(action, run_spec)
    except asyncio.CancelledError:
        await abort(execution, action.action_id.name)
        raise
    except (InvalidRequest, NotFound, ResourceExhausted) as error:
        raise NodeError(f"Flyte 2 refuses it: {error}", code=BAD_TASK, node=uid) from error


async def taken_over(execution: Execution, uid: str, name: str, group: str) -> str | None:
    """Record what the recovered run has of an action.

    Args:
        execution: What it belongs to.
        uid: Unique id of the node or element.
        name: The action's.
        group: What it is shown under.

    Returns:
        Where its results lie; None if there are none, or no run is recovered.
    """
    if execution.source is None:
        return None
    if name == identifier.action_name(uid):
        found = await execution.source.of_node(uid)
    else:
        found = await execution.source.result(name)
    if found is None:
        return None
    await record(execution, uid, found.trace, group=group, source=found.action)
    execution.journal.recovered(uid)
    return found.uri


async def failed(execution: Execution, update: Any, uid: str) -> NodeError:
    """Why a child has not ended well, by its last update and what it has written down."""
    phase = phase_pb2.ActionPhase.Name(update.phase).removeprefix("ACTION_PHASE_")
    if update.phase == phase_pb2.ACTION_PHASE_ABORTED and not update.error.code:
        return NodeError("its action was aborted", code=failure.ABORTED, node=uid)
    if not update.error.code:
        told = await left_error(execution, str(update.output_uri), uid)
        if told is not None:
            return told
    return failure.of_action(update.error, uid, phase=phase)


async def left_error(execution: Execution, place: str, uid: str) -> NodeError | None:
    """The failure that an action has written down itself: the Go backend's details tell of it without its code.

    Args:
        execution: What it belongs to.
        place: The directory of its results, or its `error.pb`.
        uid: Unique id of the node it is the failure of.

    Returns:
        None if there is none, or none that can be read.
    """
    uri = error_document.beside(place)
    if not uri:
        return None
    try:
        data = await read(execution, uri, uid)
    except NodeError:
        return None
    return failure.of_document(data, uid) if data is not None else None


def _as_task(v1: Any) -> Any:
    from flyteidl.core import identifier_pb2

    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.TASK, project=v1.project, domain=v1.domain, name=v1.name, version=v1.version
    )
