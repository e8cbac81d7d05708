"""`pickle_untyped=True`: Flyte 1 took what has no annotation for `Any`, outputs included; Flyte 2 returns nothing undeclared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.settings.decorated import Decorated, decorated

NAME = "pickle_untyped"


def unfold(module: Module) -> Mapping[cst.CSTNode, Sequence[cst.BaseStatement]]:
    """The annotations that Flyte 1 read into such a function."""
    if NAME not in module.text:
        return {}
    found = (each for each in decorated(module) if _is_untyped(each) and each.function in module.tree.body)
    return {each.function: [_typed(module, each.function)] for each in found}


def translate(module: Module, context: Context) -> Plan:
    """Import what the annotations name."""
    del context
    plan = Plan(NAME)
    if NAME in module.text and "Any" not in module.scope.bindings and any(map(_is_untyped, decorated(module))):
        plan.want("from typing import Any")
    return plan


def _is_untyped(one: Decorated) -> bool:
    return NAME in one.settings and arguments.constant(one.settings[NAME]) is not False


def _typed(module: Module, function: cst.FunctionDef) -> cst.FunctionDef:
    def annotated(parameter: cst.Param) -> cst.Param:
        if parameter.annotation is not None:
            return parameter
        spaced = cst.AssignEqual() if parameter.default is not None else cst.MaybeSentinel.DEFAULT
        return parameter.with_changes(annotation=cst.Annotation(cst.Name("Any")), equal=spaced)

    params = function.params.with_changes(
        params=[annotated(each) for each in function.params.params],
        kwonly_params=[annotated(each) for each in function.params.kwonly_params],
    )
    returns = function.returns
    gives = any(
        isinstance(each, cst.Return) and each.value is not None and module.function(each) is function
        for each in module.search(function.body, cst.Return)
    )
    if returns is None and gives:
        returns = cst.Annotation(cst.Name("Any"))
    return function.with_changes(params=params, returns=returns)
