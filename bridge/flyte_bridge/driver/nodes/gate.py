"""Gates: an approval, an input from outside, or time that has to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2
from flyteidl2.core import identifier_pb2, interface_pb2, tasks_pb2, types_pb2
from flyteidl2.task import task_definition_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.driver import child_actions
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1.names import BAD_SPECIFICATION, RUNTIME_EXECUTION
from flyte_bridge_translators.flyte1.nodes import Awaited, GateNode
from flyte_bridge_translators.wire import identifier, signal

if TYPE_CHECKING:
    from flyte_bridge.driver.scope import NodeUnderWay

REJECTED = "ReceivedRejectSignal"
"""Flyte 1's code of a gate that was disapproved (`nodes/gate/handler.go`)."""

SLEEP = "core-sleep"
"""Flyte 2's task type that needs no pod (`flyteplugins/go/tasks/plugins/core/sleep`)."""


async def run(step: NodeUnderWay[GateNode]) -> literals_pb2.LiteralMap:
    """Wait.

    Raises:
        NodeError: It was disapproved, or nobody answered in time.
    """
    gate = step.node
    match gate.awaited:
        case Awaited.TIME:
            await child_actions.sleep(step.execution, step.uid, sleep_spec(step), gate.duration, group=step.scope.uid)
            return literals_pb2.LiteralMap()
        case Awaited.APPROVAL:
            if not (await _answer(step)).scalar.primitive.boolean:
                message = "received a reject signal to disapprove the node input values"
                raise NodeError(message, code=REJECTED, node=step.uid)
            return step.inputs
        case Awaited.INPUT:
            return literals_pb2.LiteralMap(literals={gate.output: await _answer(step)})
    raise NodeError("the gate waits for nothing", code=BAD_SPECIFICATION, node=step.uid, kind="SYSTEM")


async def _answer(step: NodeUnderWay[GateNode]) -> literals_pb2.Literal:
    """The literal that somebody gives.

    Raises:
        NodeError: Nobody did in time, or it cannot be read.
    """
    gate = step.node
    condition = run_definition_pb2.ConditionAction(name=gate.signal, prompt=gate.title or gate.id)
    condition.type.CopyFrom(signal.declared(gate.type))
    if gate.overrides.timeout is not None:
        condition.timeout.CopyFrom(gate.overrides.timeout)
    given = await child_actions.condition(step.execution, step.uid, condition, group=step.scope.uid)
    try:
        return signal.received(given, gate.type)
    except ValueError as error:
        raise NodeError(f"signal {gate.signal}: {error}", code=RUNTIME_EXECUTION, node=step.uid) from error


def sleep_spec(step: NodeUnderWay[GateNode]) -> task_definition_pb2.TaskSpec:
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
