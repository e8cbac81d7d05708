"""Which expression in a driver is a call of what: entities, maps, gates, `create_node`, `.with_overrides`."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.driver import gate, implied_calls, map_task, named_result, node
from flyte_bridge_translators.source.driver.scene import AwaitedCall, Scene, peel_overrides


def recognize(scene: Scene, expression: cst.BaseExpression, *, in_place: bool = False) -> AwaitedCall | None:
    """The call an expression is, or None for plain Python; `in_place` when it is awaited where it stands."""
    if isinstance(expression, cst.Attribute):
        return implied_calls.recognize(scene, expression)
    if not isinstance(expression, cst.Call):
        return None
    bare, overrides = peel_overrides(expression)
    if not isinstance(bare, cst.Call):
        return None
    for reader in (node.recognize, map_task.recognize, gate.recognize):
        found = reader(scene, bare, overrides)
        if found is not None:
            return named_result.named(scene, found, expression, in_place=in_place)
    return None
