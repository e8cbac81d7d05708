"""What Flyte 1's entities say about themselves: what they call, what they need, how long their longest chain is.

For Flyte 1's runner: imports flytekit, when it is asked.
"""

from __future__ import annotations

import inspect
import shutil
from typing import TYPE_CHECKING, Any

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
    """The longest chain of an entity's static graph, and how many nodes it has: flytekit's own compilation tells."""
    from flytekit.core.condition import BranchNode
    from flytekit.core.gate import Gate
    from flytekit.core.launch_plan import LaunchPlan
    from flytekit.core.workflow import WorkflowBase

    if isinstance(entity, LaunchPlan):
        return critical_path(entity.workflow)
    if isinstance(entity, Gate) and entity.sleep_duration is not None:
        return 0, 0
    if isinstance(entity, BranchNode):
        block = entity._ifelse_block
        arms = [one.then_node for one in [block.case, *(block.other or [])]] + [block.else_node]
        paths = [critical_path(arm.flyte_entity) for arm in arms if arm is not None]
        return max((length for length, _ in paths), default=0), sum(nodes for _, nodes in paths)
    if not isinstance(entity, WorkflowBase):
        return 1, 1
    known: dict[int, int] = {}

    def until(node: Any) -> int:
        if id(node) not in known:
            own = 0 if node.flyte_entity is None else critical_path(node.flyte_entity)[0]
            known[id(node)] = own + max((until(one) for one in node.upstream_nodes), default=0)
        return known[id(node)]

    longest = max((until(node) for node in entity.nodes), default=0)
    return longest, sum(critical_path(node.flyte_entity)[1] for node in entity.nodes)


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
