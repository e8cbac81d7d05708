"""Parts of expressions: what an assignment stores into, which output of a result is read."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from flyte_bridge_translators.source.driver.steps import Body, BranchStep, CallStep, Step
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.tree import children, string_value


def awaited(expression: cst.BaseExpression, *, bare: bool = False) -> cst.Await:
    """`await <expression>`, in parentheses so that it may stand anywhere; `bare` where it needs none."""
    return cst.Await(expression) if bare else cst.Await(expression, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def stored_into(store: cst.BaseExpression) -> Iterator[cst.Name]:
    """The variables whose parts a target changes: `d["k"] = ...`, `r.x = ...`."""
    if isinstance(store, (cst.Attribute, cst.Subscript)):
        base = reading.base_name(store)
        if base is not None:
            yield base
    elif isinstance(store, (cst.Tuple, cst.List)):
        for element in store.elements:
            yield from stored_into(element.value)


def walruses(node: cst.CSTNode) -> Iterator[str]:
    if isinstance(node, cst.NamedExpr) and isinstance(node.target, cst.Name):
        yield node.target.value
    for child in children(node):
        yield from walruses(child)


def selected(node: cst.Attribute | cst.Subscript) -> tuple[str | int | None, cst.BaseExpression]:
    """Which part of a result an expression takes, and of what: `r.a`, `r[0]`, `n.outputs["a"]`, `n.outputs.a`."""
    base = node.value
    wanted: str | int | None = None
    if isinstance(node, cst.Attribute):
        wanted = node.attr.value
    elif len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
        index = node.slice[0].slice.value
        wanted = int(index.value) if isinstance(index, cst.Integer) else string_value(index)
    if isinstance(base, cst.Attribute) and base.attr.value == "outputs":
        base = base.value
    return wanted, base


def output_of(step: CallStep | BranchStep, wanted: str | int) -> str | None:
    """The output a part names, when it is one of the step's own outputs and not a part of its value."""
    outputs = step.outputs
    if isinstance(wanted, int):
        several = outputs.kind in {"tuple", "named"} and len(outputs.names) > 1
        return outputs.names[wanted] if several and -len(outputs.names) <= wanted < len(outputs.names) else None
    if wanted in outputs.names and (outputs.kind in {"tuple", "named"} or wanted == "o0"):
        return wanted
    return None


def first_outputs(known: Outputs, body: Body) -> Outputs:
    """What a conditional returns is what its first arm with a call returns."""
    if known.kind != "unknown":
        return known
    last = [step for step in body.steps if isinstance(step, (CallStep, BranchStep))]
    return last[-1].outputs if last else known


def targets_renamed(step: Step, target: cst.BaseExpression) -> cst.BaseExpression:
    """An assignment target with its variables' new names."""
    if isinstance(target, cst.Name):
        return target.with_changes(value=step.variable(target.value))
    if isinstance(target, (cst.Tuple, cst.List)):
        elements = [one.with_changes(value=targets_renamed(step, one.value)) for one in target.elements]
        return target.with_changes(elements=elements)
    if isinstance(target, cst.StarredElement):
        return target.with_changes(value=targets_renamed(step, target.value))
    return target
