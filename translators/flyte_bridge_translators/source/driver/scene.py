"""What is known while one driver is read, and what a call in it is recognized as."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.steps import Callee
from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import Entity
from flyte_bridge_translators.source.engine.flow import Callees
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.translator import Context

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.any_call import AnyCall
    from flyte_bridge_translators.source.driver.conditional import Conditional
    from flyte_bridge_translators.source.driver.named_result import Uses
    from flyte_bridge_translators.source.driver.shape import Shape, ShapeWriter
    from flyte_bridge_translators.source.engine.edits import Rewrite


@dataclass(frozen=True)
class AwaitedCall:
    """A call that becomes an `await`.

    Attributes:
        callee: How it is awaited.
        inner: The expressions that may hold further calls and reads, with a name for a result that needs one.
    """

    callee: Callee
    inner: tuple[tuple[cst.CSTNode, str], ...]


_TYPES = frozenset({"None", "bool", "bytes", "dict", "float", "int", "list", "set", "str", "tuple"})


@dataclass
class Scene:
    """What is known while one driver is read.

    Attributes:
        module: The file.
        context: The project.
        plan: Where edits and findings go.
        coroutines: The plain functions of the file that become coroutine functions, since drivers call them and they call
            entities.
        any_call: The file's function that calls whatever a variable may hold.
        mappers: Local variable → the `map_task(...)` or `partial(...)` call assigned to it.
        fresh: Makes names nobody uses.
        writer: What writes a shape.
        parameters: The driver's parameters.
        shapes: The shapes of its blocks, as they are read.
        conditionals: Call → the conditional it ends, as far as it was asked.
        settled: When a failure lets the others end first: the names for all results of a gather and for one of them.
        uses: How its variables are bound and read; None while one is only looked for.
    """

    module: Module
    context: Context
    plan: Plan
    coroutines: frozenset[cst.FunctionDef]
    any_call: AnyCall
    mappers: dict[str, cst.Call]
    fresh: Fresh
    writer: Callable[[Shape, Rewrite], ShapeWriter]
    parameters: frozenset[str] = frozenset()
    shapes: list[Shape] = field(default_factory=list)
    conditionals: dict[cst.Call, Conditional | None] = field(default_factory=dict)
    settled: tuple[str, str] | None = None
    uses: Uses | None = None

    @cached_property
    def width(self) -> int:
        """How long a line may be."""
        return layout.width(self.module)

    def qualified(self, node: cst.CSTNode | None) -> str | None:
        return self.module.names.qualified(node)

    def is_type(self, annotation: str) -> bool:
        """Whether a type written elsewhere means the same here: builtins, and what this file imports or defines itself."""
        words = set(re.findall(r"[A-Za-z_][\w.]*", annotation))
        if '"' in annotation or "'" in annotation:
            return False
        for word in words:
            root = word.split(".")[0]
            bound = self.module.scope.bindings.get(root)
            if bound is None:
                if root not in _TYPES:
                    return False
            elif len(bound) != 1 or root in self.locals or is_v1(bound[0].qualified):
                return False
        return True

    @cached_property
    def locals(self) -> frozenset[str]:
        """The names of the driver's own variables and parameters."""
        return frozenset(self.uses.names) | self.parameters if self.uses is not None else self.parameters

    def callees(self, func: cst.BaseExpression) -> Callees:
        """What a callee may be, wherever its value comes from."""
        return self.context.callees(self.module, func)

    def is_bound_again(self, func: cst.BaseExpression) -> bool:
        """Whether the name of an entity is bound in more than one way."""
        return isinstance(func, cst.Name) and len(self.module.names.bindings(func)) > 1

    def entity(self, node: cst.CSTNode | None) -> Entity | None:
        """The entity an expression names, or is the only thing it may hold."""
        return self.context.held(self.module, node)


class Fresh:
    """Makes names that collide with nothing in a function."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken

    def __call__(self, *wishes: str) -> str:
        """The first wish that is free; else the last one, numbered."""
        for wish in wishes:
            if wish not in self.taken:
                break
        else:
            number = 2
            while f"{wish}_{number}" in self.taken:
                number += 1
            wish = f"{wish}_{number}"
        self.taken.add(wish)
        return wish


def arguments(call: cst.Call) -> Iterator[tuple[cst.BaseExpression, str]]:
    """The argument values of a call and the names their results would like to have."""
    for argument in call.args:
        yield argument.value, argument.keyword.value if argument.keyword is not None else ""


def peel_overrides(expression: cst.BaseExpression) -> tuple[cst.BaseExpression, tuple[cst.Call, ...]]:
    """`f(x).with_overrides(a).with_overrides(b)` as `f(x)` and the override calls in order."""
    calls: list[cst.Call] = []
    while (
        isinstance(expression, cst.Call)
        and isinstance(expression.func, cst.Attribute)
        and expression.func.attr.value == "with_overrides"
    ):
        calls.insert(0, expression)
        expression = expression.func.value
    return expression, tuple(calls)
