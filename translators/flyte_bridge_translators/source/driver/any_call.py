"""Calls whose callee may be a task or plain Python: awaited through one small function of the converted file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.driver.entity_callee import EntityCallee
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.module import Module

_TEXT = '''\
async def {name}(callee, *args, **kwargs):
    """Call a task, a workflow or plain Python, whichever `callee` is, and await what must be awaited."""
{partial}    result = getattr(callee, "aio", callee)(*args, **kwargs)
    return await result if inspect.isawaitable(result) else result
'''

_PARTIAL = """\
    while isinstance(callee, functools.partial):
        callee, args, kwargs = callee.func, (*callee.args, *args), {**callee.keywords, **kwargs}
"""


@dataclass
class AnyCall:
    """The function of a file that calls whatever it is given.

    Attributes:
        name: What it is called.
        used: Whether a driver of the file uses it.
        partial: Whether it may be given a partial.
    """

    name: str
    used: bool = False
    partial: bool = False

    @classmethod
    def of(cls, module: Module) -> AnyCall:
        """One with a name that the file does not use."""
        taken = module.taken()
        return cls(next(name for name in ("call", "call_any", "flyte_bridge_call") if name not in taken))

    def define(self, module: Module, plan: Plan) -> None:
        """Write it above the first task, when it is used."""
        if not self.used:
            return
        plan.want("import inspect")
        if self.partial:
            plan.want("import functools")
        first = module.functions[0]
        host = next(node for node in (first, *module.ancestors(first)) if node in module.tree.body)
        text = _TEXT.format(name=self.name, partial=_PARTIAL if self.partial else "")
        made = cst.ensure_type(cst.parse_statement(text), cst.FunctionDef)
        plan.insert_before(host, [made.with_changes(leading_lines=[cst.EmptyLine(indent=False)] * 2)])


@dataclass
class AnyCallee(EntityCallee):
    """`await call(step, x=1)`.

    Attributes:
        by: The name of the function that calls it.
    """

    by: str = "call"

    def given(self, rewrite: Rewrite, args: Sequence[cst.Arg]) -> cst.Call:
        """`call(step, x=1)`."""
        return cst.Call(cst.Name(self.by), [cst.Arg(rewrite(self.func)), *args])

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """`call(step, x=1)`."""
        call = rewrite.inside(self.call)
        func = rewrite(self.func)
        args = [cst.Arg(func), *call.args[self.first :]]
        return call.with_changes(func=cst.Name(self.by), args=args, lpar=[], rpar=[])


@dataclass
class GeneratorCallee(EntityCallee):
    """`[item async for item in steps(n)]`: what a generator that awaits calls gives, one after the other.

    Attributes:
        item: What each of them is called.
        as_iterator: Whether it is taken step by step (`next(steps(n))`), which a list is not.
    """

    awaits: bool = field(default=False, init=False)
    simple: bool = field(default=False, init=False)
    item: str = "item"
    as_iterator: bool = False

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The list."""
        call = rewrite.inside(self.call)
        loop = cst.CompFor(
            cst.Name(self.item), call.with_changes(func=rewrite(self.func)), asynchronous=cst.Asynchronous()
        )
        items = cst.ListComp(cst.Name(self.item), loop)
        return cst.Call(cst.Name("iter"), [cst.Arg(items)]) if self.as_iterator else items
