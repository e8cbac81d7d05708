"""Tasks that are called where nobody says `()`: a property is awaited as it is read, the rest is reported."""

from __future__ import annotations

from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.driver.scene import AwaitedCall, Scene
from flyte_bridge_translators.source.driver.steps import UNKNOWN
from flyte_bridge_translators.source.engine import layout, reading
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.holdings_reader import holdings_of
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, walk


@dataclass
class ReadCallee:
    """`await pipe.first`, where `first` is a property that calls tasks."""

    node: cst.Attribute
    outputs: Outputs = UNKNOWN
    simple: bool = field(default=True, init=False)
    awaits: bool = field(default=True, init=False)
    prepares: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return self.node.attr.value

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """Nothing."""
        return []

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The attribute: reading it gives something to await."""
        return rewrite.inside(self.node)


def recognize(scene: Scene, node: cst.Attribute) -> AwaitedCall | None:
    """The read of a property that is a coroutine function now, or None."""
    if not scene.context.runs_when_read(scene.module, node) or _is_target(scene.module, node):
        return None
    return AwaitedCall(ReadCallee(node), ((node.value, ""),))


def _is_target(module: Module, node: cst.Attribute) -> bool:
    parent = module.parents.get(node)
    return isinstance(parent, (cst.AssignTarget, cst.Del)) or (
        isinstance(parent, (cst.AugAssign, cst.AnnAssign)) and parent.target is node
    )


def report_stuck(module: Module, context: Context, plan: Plan) -> None:
    """Say which tasks are called in a method that Python calls by itself: nothing awaits what `__enter__` gives."""
    for function, name in holdings_of(module).ids.items():
        if name not in context.flow.stuck or not isinstance(function, (cst.FunctionDef, cst.Lambda)):
            continue
        title = f"`{function.name.value}`" if isinstance(function, cst.FunctionDef) else "a lambda"
        calls = [call for call in reading.calls(function.body) if context.callees(module, call.func).awaits]
        reads = [
            node
            for node in walk(function.body)
            if isinstance(node, cst.Attribute) and context.runs_when_read(module, node)
        ]
        for node in (*calls, *reads):
            message = f"{title} runs without being called, so nothing can await `{layout.brief(node)}` in it"
            plan.report("FB222", node, message)
        if not calls and not reads:
            plan.report("FB222", function, f"{title} runs without being called, and calls tasks that must be awaited")


def report_unread(module: Module, context: Context, plan: Plan, functions: set[cst.FunctionDef]) -> None:
    """Say where a property that is a coroutine function now is read by code that does not become one."""
    if not context.flow.read_by_name:
        return
    for node in walk(module.tree):
        if context.runs_when_read(module, node) and not any(above in functions for above in module.ancestors(node)):
            function = module.function(node)
            if function is None or holdings_of(module).ids[function] not in context.flow.stuck:
                plan.report("FB253", node, f"`{code(node)}` is a property that must be awaited now")


def report_factories(module: Module, context: Context, plan: Plan) -> None:
    """Say where a task is what makes a default: it is called by code that awaits nothing."""
    for call in module.all_calls:
        for argument in call.args:
            if argument.keyword is not None and argument.keyword.value == "default_factory":
                callees = context.callees(module, argument.value)
                if callees.entities or callees.partial:
                    message = f"`{code(argument.value)}` must be awaited, and nothing does where a default is made"
                    plan.report("FB254", argument.value, message)
