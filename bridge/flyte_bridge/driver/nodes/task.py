"""Task nodes: one action each; a dynamic task's own workflow follows beneath it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from flyteidl.core import literals_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge.driver import child_actions, execution_overrides, memory, recording, task_time, wrapper
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.wire import identifier, plugin, process, resources
from flyte_bridge_translators.wire import task as wire_task

if TYPE_CHECKING:
    from flyteidl2.core import tasks_pb2

    from flyte_bridge.driver.execution import Execution
    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import TaskNode


async def run(step: NodeUnderWay[TaskNode]) -> literals_pb2.LiteralMap:
    """Run a task, and what it leaves to be run.

    Raises:
        NodeError: It failed, or left no outputs.
    """
    template = effective(step)
    if template.type == plugin.ECHO:
        return await _echo(step, template)
    if template.metadata.discoverable and process.is_dynamic(template):
        return await memory.remembered(step, template, lambda: _run(step, template))
    return await _run(step, template)


async def _run(step: NodeUnderWay[TaskNode], template: tasks_pb2.TaskTemplate) -> literals_pb2.LiteralMap:
    execution = step.execution

    async def begin(name: str, retries: int) -> str | None:
        return await child_actions.begin(
            execution,
            step.uid,
            spec(execution, template, retries),
            step.inputs,
            group=step.scope.uid,
            cache_key=cache_key(template),
            run_spec=execution_overrides.own_run_spec(step),
            name=name,
        )

    async with execution.room():
        prefix = await task_time.run(execution, step.uid, template.metadata, begin)
    return await results(step, template, prefix)


async def results(
    step: NodeUnderWay[TaskNode], template: tasks_pb2.TaskTemplate, prefix: str
) -> literals_pb2.LiteralMap:
    """What a task has left: outputs, or a workflow to run (`futures.pb`).

    Args:
        step: Its node.
        template: It.
        prefix: Where its results lie.

    Raises:
        NodeError: It left nothing though it should, or what it left to run failed.
    """
    execution, declared = step.execution, template.interface.outputs.variables
    outputs = await child_actions.outputs(execution, prefix, step.uid) if declared else None
    if template.WhichOneof("target") and (outputs is None or wrapper.is_marker(outputs)):
        # a dynamic task leaves no outputs.pb, or a marker where its backend insists on one; what runs no code leaves none
        futures = await child_actions.read(execution, f"{prefix}/futures.pb", step.uid)
        if futures is not None:
            expanded: literals_pb2.LiteralMap = await _dynamic().expand(step, template, futures, attempt_of(prefix))
            return expanded
    if outputs is None and declared:
        raise NodeError(
            f"the task wrote neither outputs.pb nor futures.pb under {prefix}", code=child_actions.OUTPUTS_NOT_FOUND,
            node=step.uid, kind="SYSTEM",
        )  # fmt: skip
    return outputs if outputs is not None else literals_pb2.LiteralMap()


def attempt_of(prefix: str) -> int:
    """Which attempt of a task, from 0, has left results: both backends number the directories from 1."""
    number = prefix.rpartition("/")[2]
    return max(0, int(number) - 1) if number.isdecimal() else 0


def _dynamic() -> Any:
    return importlib.import_module("flyte_bridge.driver.dynamic")


def effective(step: NodeUnderWay[TaskNode]) -> tasks_pb2.TaskTemplate:
    """The task's template with what its node overrides and its execution asks for.

    Raises:
        NodeError: The closure lacks the task, or it has not what is overridden.
    """
    node = step.node
    template = step.scope.tables.task(node.task, step.uid)
    try:
        result = wire_task.to_v2(wire_task.overridden(template, node))
    except (wire_task.BadOverride, plugin.BadCustom) as error:
        raise NodeError(str(error), code=wire_task.BadOverride.code, node=step.uid, kind="USER") from error
    if step.execution.settings.task_resources is not None:
        resources.assign(result, step.execution.settings.task_resources)
    execution_overrides.apply(step, result)
    return result


def spec(execution: Execution, template: tasks_pb2.TaskTemplate, retries: int) -> task_definition_pb2.TaskSpec:
    """A task as Flyte 2 runs it, with so many retries; flytekit finds the workflow's name in its environment."""
    result = task_definition_pb2.TaskSpec(
        task_template=template, short_name=identifier.short_name(template.id.name) or template.type
    )
    variables = {
        "FLYTE_INTERNAL_EXECUTION_WORKFLOW": execution.workflow_name,
        "FLYTE_INTERNAL_EXECUTION_LAUNCHPLAN": execution.launch_plan_name,
    }
    process.add(result.task_template, variables)
    if result.task_template.metadata.retries.retries != retries:
        result.task_template.metadata.retries.retries = retries
    if not execution_overrides.embedded() and process.is_dynamic(template):
        wrapper.wrap(result.task_template)
    return result


def cache_key(template: tasks_pb2.TaskTemplate) -> str:
    """What tells cached results of one version from those of another; the backend adds the rest (name, interface, inputs)."""
    return str(template.metadata.discovery_version) if template.metadata.discoverable else ""


async def _echo(step: NodeUnderWay[TaskNode], template: tasks_pb2.TaskTemplate) -> literals_pb2.LiteralMap:
    """Give back the inputs, by position (`flyteplugins/go/tasks/plugins/testing/echo.go`)."""
    interface = template.interface
    taken, given = sorted(step.inputs.literals), sorted(entry.key for entry in interface.outputs.variables)
    outputs = literals_pb2.LiteralMap()
    for name, value in zip(given, taken, strict=False):
        outputs.literals[name].CopyFrom(step.inputs.literals[value])
    await recording.done(step, outputs)
    return outputs
