"""`x: int = None`: Flyte 1 took it, Flyte 2 wants None declared."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.data.datatypes import of_annotation
from flyte_bridge_translators.source.data.flyte_io import expression, member
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, walk

_TAKES_NONE = ("Any", "object", "None")


def translate(module: Module, context: Context) -> Plan:
    """Declare None where it is the default of a task's or workflow's parameter."""
    del context
    plan = Plan("optional")
    for function in module.functions:
        if entity_decorator(module, function) is None:
            continue
        for parameter in (*function.params.params, *function.params.kwonly_params):
            annotation, default = parameter.annotation, parameter.default
            if annotation is None or default is None or code(default) != "None":
                continue
            if code(annotation.annotation).rpartition(".")[2] in _TAKES_NONE:
                continue
            if not of_annotation(module, annotation.annotation).optional:
                _declare(module, plan, annotation)
    return plan


def _declare(module: Module, plan: Plan, annotation: cst.Annotation) -> None:
    bars = _writes_bars(module)
    optional = None if bars else member(module, plan, "typing", "Optional")

    def edit(rewrite: Rewrite) -> cst.CSTNode:
        node = rewrite.inside(annotation)
        inner = node.annotation
        if optional is None:
            return node.with_changes(annotation=expression("{t} | None", t=inner))
        return node.with_changes(annotation=expression("{o}[{t}]", o=optional, t=inner))

    plan.replace(annotation, edit, "None is a value of this input")


def _writes_bars(module: Module) -> bool:
    """Whether the file writes `X | None` rather than `Optional[X]`."""
    return any(
        isinstance(node, cst.BinaryOperation)
        and isinstance(node.operator, cst.BitOr)
        and "None" in {code(node.left), code(node.right)}
        for annotation in module.every(cst.Annotation)
        for node in walk(annotation)
    )
