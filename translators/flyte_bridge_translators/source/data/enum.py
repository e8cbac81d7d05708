"""Enums travel by value in Flyte 1 and by name in Flyte 2."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import Kind, entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, walk


def translate(module: Module, context: Context) -> Plan:
    """Report the enums among the inputs of workflows: saved inputs and command lines say the name from now on."""
    plan = Plan("enum")
    for function in module.functions:
        found = entity_decorator(module, function)
        if found is None or found[1] is not Kind.WORKFLOW:
            continue
        for parameter in (*function.params.params, *function.params.kwonly_params):
            if parameter.annotation is None:
                continue
            for node in walk(parameter.annotation):
                if isinstance(node, (cst.Name, cst.Attribute)) and _is_enum(module, context, node):
                    plan.report(
                        "FB440",
                        parameter,
                        f"{parameter.name.value}: {code(node)} is passed by name now (Flyte 1 passed the value)",
                    )
    return plan


def _is_enum(module: Module, context: Context, name: cst.BaseExpression) -> bool:
    qualified = context.resolve(module.names.qualified(name))
    facts = context.facts.get(qualified.rpartition(".")[0]) if qualified is not None else None
    return facts is not None and qualified in facts.enums
