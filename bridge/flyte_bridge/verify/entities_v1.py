"""What Flyte 1's entities say about themselves: what they call, what they need, how long their longest chain is.

For Flyte 1's runner: imports flytekit, when it is asked.
"""

from __future__ import annotations

import inspect
import shutil
from typing import TYPE_CHECKING, Any

from flyte_bridge_translators.graph import figure

if TYPE_CHECKING:
    from collections.abc import Iterator


def own_values(plan: Any) -> frozenset[str]:
    """The arguments that a launch plan gives another value than its workflow does."""
    defaults = {name: default for name, (_, default) in plan.workflow.python_interface.inputs_with_defaults.items()}
    return frozenset(name for name, value in plan.saved_inputs.items() if defaults.get(name) is not value)


def function_of(entity: Any) -> Any:
    """The user's function, if an entity has one."""
    return getattr(entity, "_workflow_function", None) or getattr(entity, "_task_function", None)


def with_default(entity: Any) -> frozenset[str]:
    """The arguments that have a default; flytekit's interface does not tell a default of None from none."""
    function = function_of(entity)
    if function is None:
        return frozenset()
    parameters = inspect.signature(function).parameters.values()
    return frozenset(one.name for one in parameters if one.default is not inspect.Parameter.empty)


def inside(entity: Any) -> Iterator[Any]:
    """An entity and all that its static graph calls."""
    from flytekit.core.condition import BranchNode
    from flytekit.core.launch_plan import LaunchPlan
    from flytekit.core.workflow import WorkflowBase

    yield entity
    if isinstance(entity, WorkflowBase):
        for node in entity.nodes:
            yield from inside(node.flyte_entity)
    elif isinstance(entity, LaunchPlan):
        yield from inside(entity.workflow)
    elif isinstance(entity, BranchNode):
        block = entity._ifelse_block
        for branch in [block.case, *(block.other or [])]:
            if branch.then_node is not None:
                yield from inside(branch.then_node.flyte_entity)
        if block.else_node is not None:
            yield from inside(block.else_node.flyte_entity)
    else:
        # map tasks and array nodes hold what they map
        for attribute in ("_run_task", "target", "python_function_task"):
            mapped = getattr(entity, attribute, None)
            if mapped is not None and mapped is not entity and hasattr(mapped, "name"):
                yield from inside(mapped)
                return


def critical_path(entity: Any) -> tuple[int, int]:
    """The longest chain of an entity's static graph, and how many nodes it has: `flyte-bridge graph` counts the same way."""
    level = _inside(entity, "")
    length, _ = figure.critical_path(level)
    return round(length), sum(1 for box in level.walk() if box.cost)


def _inside(entity: Any, prefix: str) -> figure.Level:
    """What an entity runs, as boxes of which those that run an action cost one."""
    from flytekit.core.condition import BranchNode
    from flytekit.core.gate import Gate
    from flytekit.core.launch_plan import LaunchPlan
    from flytekit.core.workflow import WorkflowBase

    if isinstance(entity, LaunchPlan):
        return _inside(entity.workflow, prefix)
    if isinstance(entity, BranchNode):
        return figure.Level([_box(arm, prefix) for arm in _arms(entity)])
    if not isinstance(entity, WorkflowBase):
        sleeps = entity is None or (isinstance(entity, Gate) and entity.sleep_duration is not None)
        return figure.Level([figure.Box(f"{prefix}.", "", "", "task", cost=0 if sleeps else 1)])
    boxes = {id(node): _box(node, prefix) for node in entity.nodes}
    edges = [
        figure.Edge(boxes[id(before)].id, boxes[id(node)].id)
        for node in entity.nodes
        for before in _waits_for(node)
        if id(before) in boxes
    ]
    return figure.Level(list(boxes.values()), edges)


def _box(node: Any, prefix: str) -> figure.Box:
    name = f"{prefix}/{node.id}"
    return figure.Box(name, node.id, node.id, "workflow", cost=0, inner=_inside(node.flyte_entity, name))


def _arms(branch: Any) -> list[Any]:
    block = branch._ifelse_block
    arms = [block.case.then_node, *(case.then_node for case in block.other or ()), block.else_node]
    return [arm for arm in arms if arm is not None]


def _waits_for(node: Any) -> list[Any]:
    """The nodes before one; what an arm of a branch needs comes before the branch."""
    from flytekit.core.condition import BranchNode

    arms = _arms(node.flyte_entity) if isinstance(node.flyte_entity, BranchNode) else []
    return [*node.upstream_nodes, *(before for arm in arms for before in _waits_for(arm))]


def cannot_run(entity: Any) -> str | None:
    """Why local execution cannot run an entity, if it cannot."""
    from flytekit.core.container_task import ContainerTask
    from flytekit.core.gate import Gate
    from flytekit.core.reference_entity import ReferenceEntity

    if isinstance(entity, Gate) and entity.sleep_duration is None:
        return f"waits for a person to answer {entity.name!r}"
    if isinstance(entity, ReferenceEntity):
        return f"calls {entity.name!r}, which is registered elsewhere: local execution cannot reach it"
    if isinstance(entity, ContainerTask) and shutil.which("docker") is None:
        return f"runs {entity.name!r} in a container, and there is no Docker here"
    return None
