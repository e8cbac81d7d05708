"""An order between nodes (`a >> b >> c`, `a.runs_before(b)`), and settings given to one after its call."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.entity_callee import EntityCallee
from flyte_bridge_translators.source.driver.node import settings_of
from flyte_bridge_translators.source.driver.scene import peel_overrides
from flyte_bridge_translators.source.driver.steps import BranchStep, CallStep, PlainStep, Step
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.tree import code

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.body import Reader


def operands(value: cst.BaseExpression) -> list[cst.BaseExpression] | None:
    """What an ordering statement puts in order, first to last; None when it is something else."""
    if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.RightShift):
        left = operands(value.left) or [value.left]
        right = operands(value.right) or [value.right]
        return [*left, *right]
    if (
        isinstance(value, cst.Call)
        and isinstance(value.func, cst.Attribute)
        and value.func.attr.value == "runs_before"
        and len(value.args) == 1
    ):
        return [value.func.value, value.args[0].value]
    return None


def read_order(reader: Reader, value: cst.BaseExpression) -> bool:
    """`a >> b >> c` and `a.runs_before(b)`: an order, nothing to run besides the calls in it."""
    parts = operands(value)
    if parts is None:
        return False
    steps = [_operand(reader, part) for part in parts]
    places = [isinstance(part, (cst.Subscript, cst.Call)) or _is_local(reader, part) for part in parts]
    if not any(steps) and not all(places):
        return False
    for (first, before), (_, after) in pairwise(zip(parts, steps, strict=True)):
        if not isinstance(after, (CallStep, BranchStep)):
            _lost_order(reader, value)
            continue
        if after.line is not reader.line and reader.line not in after.comments:
            after.comments.append(reader.line)
        if before is None and isinstance(first, cst.Name):
            reader.read_name(first, first, after, None)  # bound outside this block, or by the iteration before
        elif before is None or before is after or isinstance(before, PlainStep):
            _lost_order(reader, value)
        elif before not in after.after:
            after.after.append(before)
    return True


def _is_local(reader: Reader, part: cst.BaseExpression) -> bool:
    return isinstance(part, cst.Name) and reader.variables.is_local(part)


def _lost_order(reader: Reader, value: cst.BaseExpression) -> None:
    message = f"`{code(value)}` puts nodes in order, but which ones is not known here: it was left out"
    reader.scene.plan.report("FB245", value, message)
    reader.silent.append(reader.line)


def _operand(reader: Reader, part: cst.BaseExpression) -> Step | None:
    if isinstance(part, cst.Name):
        step = reader.current.get(part.value)
        if isinstance(step, CallStep):
            step.ordered_only = True
        return step
    if isinstance(part, (cst.Attribute, cst.Subscript)):
        base = reading.base_name(part)
        return reader.current.get(base.value) if base is not None else None
    return reader.call(part, None, "")


def late_override(reader: Reader, value: cst.BaseExpression) -> bool:
    """`r.with_overrides(...)` as a statement of its own changes the call that gave `r`."""
    from dataclasses import replace

    from flyte_bridge_translators.source.driver.map_task import MapCallee
    from flyte_bridge_translators.source.driver.named_result import NamedCallee

    bare, overrides = peel_overrides(value)
    if not overrides or not isinstance(bare, cst.Name):
        return False
    step = reader.current.get(bare.value)
    if not isinstance(step, CallStep):
        return False
    settings = list(settings_of(reader.scene, overrides))
    callee = step.callee
    if isinstance(callee, EntityCallee):
        step.callee = replace(callee, settings=[*callee.settings, *settings])
    elif isinstance(callee, NamedCallee):
        step.callee = replace(callee, inner=replace(callee.inner, settings=[*callee.inner.settings, *settings]))
    elif isinstance(callee, MapCallee):
        one = callee.callee
        step.callee = replace(callee, callee=replace(one, settings=[*one.settings, *settings]))
    else:
        return False
    for _, setting in settings:
        reader.expression(setting, step)
    return True
