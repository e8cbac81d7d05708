"""How a call of an entity is awaited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.syntax import keyword, parsed


@dataclass
class EntityCallee:
    """A task, workflow or launch plan that is called.

    Attributes:
        func: What is called, as the user wrote it.
        call: The call that holds the arguments.
        direct: Whether the callee is async in Flyte 2, so that calling it gives something to await.
        first: How many leading arguments are not the entity's (`create_node(f, ...)`).
        settings: The keywords of `.override(...)`, with the original values.
        bound: What a launch plan gives besides, name → text.
        partial: The arguments that `functools.partial` bound before.
    """

    name: str
    outputs: Outputs
    func: cst.BaseExpression
    call: cst.Call
    direct: bool
    first: int = 0
    settings: Sequence[tuple[str, cst.BaseExpression]] = ()
    bound: Sequence[tuple[str, str]] = ()
    replaced: cst.BaseExpression | None = None
    partial: Sequence[cst.Arg] = ()
    simple: bool = field(default=True, init=False)
    awaits: bool = field(default=True, init=False)
    prepares: bool = field(default=False, init=False)

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """Nothing."""
        return []

    def function(self, rewrite: Rewrite) -> cst.BaseExpression:
        """What is called in Flyte 2, overrides applied."""
        func = self.replaced if self.replaced is not None else rewrite(self.func)
        if self.settings:
            override = cst.Attribute(func, cst.Name("override"))
            func = cst.Call(override, [keyword(name, rewrite(value)) for name, value in self.settings])
        return func if self.direct else cst.Attribute(func, cst.Name("aio"))

    def given(self, rewrite: Rewrite, args: Sequence[cst.Arg]) -> cst.Call:
        """A call with other arguments than those in the text."""
        return cst.Call(self.function(rewrite), args)

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """`f.aio(x=1)`, or `f(x=1)` when it is async already."""
        call = rewrite.inside(self.call)
        given = list(call.args[self.first :])
        named = {argument.keyword.value for argument in given if argument.keyword is not None}
        before = [cst.Arg(rewrite(one.value)) for one in self.partial if one.keyword is None]
        bound = [
            keyword(one.keyword.value, rewrite(one.value))
            for one in self.partial
            if one.keyword is not None and one.keyword.value not in named
        ]
        partial = {one.keyword.value for one in self.partial if one.keyword is not None}
        extra = [keyword(name, parsed(text)) for name, text in self.bound if name not in named | partial]
        if (extra or bound) and given:
            given[-1] = given[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        place = next((at for at, one in enumerate(given) if one.keyword is not None or one.star == "**"), len(given))
        args = [*before, *given[:place], *bound, *given[place:], *extra]
        return call.with_changes(func=self.function(rewrite), args=args, lpar=[], rpar=[])
