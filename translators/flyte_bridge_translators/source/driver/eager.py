"""Calls outside the drivers that are read as graphs: eager bodies await already, task bodies call plain functions."""

from __future__ import annotations

from collections.abc import Callable

import libcst as cst

from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Entity, Kind
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code


def rewrite_eager(module: Module, context: Context, plan: Plan, function: cst.FunctionDef) -> None:
    """`await f(x=1)` of a task that is not async becomes `await f.aio(x=1)`; the body is async already."""
    for call in reading.calls(function.body):
        entity = context.entity(module.names.qualified(call.func))
        if entity is not None and not is_direct(entity):
            plan.replace(call.func, _attribute(call.func, "aio"), "a task that is not async is awaited through `.aio`")


def rewrite_task(module: Module, context: Context, plan: Plan, function: cst.FunctionDef) -> None:
    """A task called inside a task ran as a plain function in the same process, and still does: `f.forward(x=1)`."""
    for call in reading.calls(function.body):
        entity = context.entity(module.names.qualified(call.func))
        if entity is None or entity.kind not in {Kind.TASK, Kind.WORKFLOW, Kind.DYNAMIC}:
            continue
        if entity.kind is not Kind.TASK:
            plan.report(
                "FB252",
                call,
                f"`{code(call.func)}` is a driver now, and a task cannot await it: call its tasks instead",
            )
            continue
        plan.replace(call.func, _attribute(call.func, "forward"), "a task inside a task is a plain function in Flyte 1")
        plan.report(
            "FB251", call, f"`{code(call.func)}` is called inside a task: the plain function is called, as before"
        )


def is_direct(entity: Entity) -> bool:
    """Whether calling it in Flyte 2 gives something to await."""
    return entity.kind.is_driver or entity.is_async or entity.kind is Kind.REFERENCE


def _attribute(func: cst.BaseExpression, name: str) -> Callable[[Rewrite], cst.Attribute]:
    def edit(rewrite: Rewrite) -> cst.Attribute:
        return cst.Attribute(rewrite.inside(func), cst.Name(name))

    return edit
