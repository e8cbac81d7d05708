"""Variables that hold a `map_task(...)`, a partial or a launch plan: nothing runs yet; the value is used where it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.named_result import settled
from flyte_bridge_translators.source.driver.node import CREATE_NODE

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.body import Reader


_TAKERS = frozenset({"flytekit.map_task", "functools.partial", CREATE_NODE})
"""What takes a task and gives something that is called, or a node."""


def is_mapper(reader: Reader, target: cst.BaseExpression, value: cst.BaseExpression) -> bool:
    """`mapped = map_task(f)` and `bound = partial(f, a=1)`: nothing runs yet; the value is used where it is called."""
    if not (isinstance(target, cst.Name) and isinstance(value, cst.Call)):
        return False
    made = reader.scene.qualified(value.func)
    launch_plan = made is not None and made.startswith("flytekit.LaunchPlan")
    if (
        launch_plan
        or made == "flytekit.map_task"
        or (made == "functools.partial" and value.args and reader.scene.entity(value.args[0].value) is not None)
    ):
        other = _used_otherwise(reader, target.value)
        if other is not None and not settled(reader.scene, target.value):
            if made == "functools.partial":  # it is called through what calls whatever a variable holds
                return False
            what = "a `map_task(...)`" if made == "flytekit.map_task" else "a task or launch plan"
            message = f"`{target.value}` holds {what}, but which one when it is used is not known here"
            reader.scene.plan.report("FB213", other, message)
            return False
        reader.scene.mappers[target.value] = value
        if other is not None:
            if made == "flytekit.map_task":
                message = f"`{target.value}` is a `map_task(...)` that is used where it is not called"
                reader.scene.plan.report("FB213", other, message)
            return False
        reader.silent.append(reader.line)
        return True
    return False


def _used_otherwise(reader: Reader, name: str) -> cst.Name | None:
    """A place where a variable that holds a `map_task(...)` or `partial(...)` is not called, or called where it may hold
    another one; None when there is none."""
    uses = reader.scene.uses
    if uses is None:
        return None
    known = uses.settled(name)
    parents = reader.scene.module.parents
    for node in uses.reads(name):
        parent = parents.get(node)
        call = parents.get(parent) if isinstance(parent, cst.Arg) else parent
        called = isinstance(call, cst.Call) and (
            call.func is node or (call.args and call.args[0] is parent and reader.scene.qualified(call.func) in _TAKERS)
        )
        if not called or not known:
            return node
    return None
