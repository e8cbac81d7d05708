"""Flyte 1's exceptions and what stands for them in Flyte 2."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import expression
from flyte_bridge_translators.source.data.values import loads
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.settings import retries

EXCEPTIONS: Mapping[str, str] = {
    "FlyteRecoverableException": "RuntimeError",
    "FlyteUserException": "flyte.errors.NonRecoverableError",
    "FlyteNonRecoverableException": "flyte.errors.NonRecoverableError",
    "FlyteAssertion": "AssertionError",
    "FlyteAssertionException": "AssertionError",
    "FlyteValueException": "ValueError",
    "FlyteTypeException": "TypeError",
    "FlyteTimeout": "TimeoutError",
    "EagerException": "flyte.errors.RuntimeUserError",
}
"""Last part of a name below `flytekit.exceptions` → what to raise or catch."""

ERROR = "flytekit.types.error.FlyteError"


def translate(module: Module, context: Context) -> Plan:
    """Replace exception classes, and the error a failure handler takes."""
    plan = Plan("errors")
    kept = False
    for node, qualified in module.references:
        last = qualified.rpartition(".")[2]
        if qualified.startswith("flytekit.exceptions") and last in EXCEPTIONS:
            if last == retries.RECOVERABLE and context.options.retries == "faithful":
                plan.replace(node, cst.Name(retries.ERROR), "the error that is worth a retry")
                kept = True
                continue
            new = EXCEPTIONS[last]
            if new.startswith("flyte."):
                plan.want("import flyte")
            plan.replace(node, expression(new), f"{last} in Flyte 2")
            if last == "FlyteRecoverableException" and isinstance(module.parents.get(node), cst.Call):
                plan.report("FB450", node, "Flyte 2 retries every exception, not only recoverable ones")
        elif qualified == ERROR or qualified.endswith("error.FlyteError"):
            _handler(module, plan, node)
    if kept:
        retries.keep(module, plan)
    return plan


def _handler(module: Module, plan: Plan, node: cst.Name | cst.Attribute) -> None:
    """`err: Optional[FlyteError] = None` of a failure handler takes the message as text; `err.message` is it."""
    parent = module.parents.get(node)
    if isinstance(parent, cst.Call) and parent.func is node:
        plan.report("FB451", node, "FlyteError cannot be made: pass the message as text")
        return
    plan.replace(node, cst.Name("str"), "a failure handler gets the message")
    parameter = next(
        (above for above in module.ancestors(node) if isinstance(above, (cst.Param, cst.BaseStatement))), None
    )
    if not isinstance(parameter, cst.Param):
        return
    for use in loads(module, parameter.name):
        attribute = module.parents.get(use)
        if not (isinstance(attribute, cst.Attribute) and attribute.value is use):
            continue
        if attribute.attr.value == "message":
            plan.replace(attribute, cst.Name(use.value), "the message itself")
        else:
            plan.report(
                "FB451", attribute, f"{use.value}.{attribute.attr.value} is not known to a failure handler of Flyte 2"
            )
