"""Gates: an approval, an input from outside, or time that has to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl.core import literals_pb2
from flyteidl2.core import identifier_pb2, interface_pb2, tasks_pb2, types_pb2
from flyteidl2.task import task_definition_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.driver import child_actions
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.wire import identifier, signal

if TYPE_CHECKING:
    from flyte_bridge.driver.scope import Step

REJECTED = "ReceivedRejectSignal"
"""Flyte 1's code of a gate that was disapproved (`nodes/gate/handler.go`)."""

SLEEP = "core-sleep"
"""Flyte 2's task type that needs no pod (`flyteplugins/go/tasks/plugins/core/sleep`)."""


async def run(step: Step) -> literals_pb2.LiteralMap:
    """Wait.

    Raises:
        NodeError: It was disapproved, or nobody answered in time.
    """
    gate = step.node.gate_node
    which = gate.WhichOneof("condition")
    if which == "sleep":
        await child_actions.sleep(step.execution, step.uid, sleep_spec(step), gate.sleep.duration, group=step.scope.uid)
        return literals_pb2.LiteralMap()
    if which == "approve":
        answer = await _answer(step, gate.approve.signal_id, signal.BOOLEAN)
        if not answer.scalar.primitive.boolean:
            message = "received a reject signal to disapprove the node input values"
            raise NodeError(message, code=REJECTED, node=step.uid)
        return step.inputs
    if which == "signal":
        answer = await _answer(step, gate.signal.signal_id, gate.signal.type)
        return literals_pb2.LiteralMap(literals={gate.signal.output_variable_name: answer})
    raise NodeError("the gate waits for nothing", code="BadSpecificationError", node=step.uid, kind="SYSTEM")


async def _answer(step: Step, signal_id: str, wanted: Any) -> literals_pb2.Literal:
    """The literal that somebody gives.

    Raises:
        NodeError: Nobody did in time, or it cannot be read.
    """
    condition = run_definition_pb2.ConditionAction(name=signal_id, prompt=f"{step.node.metadata.name or step.node.id}")
    condition.type.CopyFrom(signal.declared(wanted))
    if step.node.metadata.HasField("timeout"):
        condition.timeout.CopyFrom(step.node.metadata.timeout)
    given = await child_actions.condition(step.execution, step.uid, condition, group=step.scope.uid)
    try:
        return signal.received(given, wanted)
    except ValueError as error:
        raise NodeError(f"signal {signal_id}: {error}", code="RuntimeExecutionError", node=step.uid) from error


def sleep_spec(step: Step) -> task_definition_pb2.TaskSpec:
    """The task that a sleeping node is."""
    run = step.execution.action.run
    template = tasks_pb2.TaskTemplate(type=SLEEP, metadata=tasks_pb2.TaskMetadata())
    template.id.project, template.id.domain = run.project, run.domain
    template.id.name, template.id.version = "sleep", "1"
    template.id.resource_type = identifier_pb2.TASK
    duration = interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.DURATION))
    template.interface.inputs.variables.add(key="duration", value=duration)
    template.interface.outputs.SetInParent()
    return task_definition_pb2.TaskSpec(task_template=template, short_name=identifier.short_name(step.node.id))
