"""Settings inside expressions: `flytekit.Resources(…)`, `ImageSpec(…)`, `Secret(…)` wherever they are written.

A concept says how one of its calls is written in Flyte 2 (`CONCEPTS`); a decorator or an environment asks a `Work` for the
text of a value, and what stands at module level is replaced in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import libcst as cst

from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.layout import Doc, Group
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import children, code, rebuilt

Converter = Callable[["Work", cst.Call], "Doc | None"]
"""The Flyte 2 form of a call; None when it must stay as it is (and has been reported)."""


@dataclass
class Work:
    """One translator at work on one file."""

    module: Module
    context: Context
    plan: Plan
    aliases: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, module: Module, context: Context, rule: str) -> Work:
        """A translator at work, with a plan of its own."""
        return cls(module, context, Plan(rule))

    @cached_property
    def limit(self) -> int:
        return layout.width(self.module)

    def qualified(self, node: cst.CSTNode | None) -> str | None:
        """The qualified name of an expression, or of what a call calls."""
        return self.module.names.qualified(node.func if isinstance(node, cst.Call) else node)

    def report(self, code_: str, node: cst.CSTNode, message: str) -> None:
        self.plan.report(code_, node, message)

    def value(self, node: cst.BaseExpression) -> cst.BaseExpression:
        """What a name stands for when it is a module-level constant of this file; anything else is itself."""
        seen = set()
        while isinstance(node, cst.Name) and node.value not in seen:
            seen.add(node.value)
            if not (self.module.names.qualified(node) or "").startswith(f"{self.module.name}."):
                break
            definition = self.module.definition(node.value)
            if not isinstance(definition, cst.BaseExpression):
                break
            node = definition
        return node

    def doc(self, node: cst.BaseExpression) -> Doc:
        """An expression of the user's with the Flyte 1 settings in it written in Flyte 2."""
        if isinstance(node, cst.Call):
            for converter in self.context.converters(self.qualified(node)):
                written = converter(self, node)
                if written is not None:
                    return written
        if not any(True for _ in self.flyte1(node)):
            return layout.of(node)
        if isinstance(node, (cst.List, cst.Tuple)) and not layout.comments(node):
            opening, closing = ("[", "]") if isinstance(node, cst.List) else ("(", ")")
            items = tuple(
                ("", self.doc(element.value)) for element in node.elements if isinstance(element, cst.Element)
            )
            if len(items) == len(node.elements):
                return Group(opening, items, ("," if opening == "(" and len(items) == 1 else "") + closing)
        if isinstance(node, cst.Dict) and not layout.comments(node):
            pairs = tuple(
                (f"{code(element.key)}: ", self.doc(element.value))
                for element in node.elements
                if isinstance(element, cst.DictElement)
            )
            if len(pairs) == len(node.elements):
                return Group("{", pairs, "}")
        return self._nested(node)

    def _nested(self, node: cst.BaseExpression) -> Doc:
        written: dict[cst.CSTNode, cst.BaseExpression] = {}
        left = []
        for inner in self.flyte1(node):
            if inner is node:
                left.append(inner)
                continue
            made = self.doc(inner)
            text = layout.flat(made)
            if text == code(inner):
                left.append(inner)
            else:
                written[inner] = parsed(text)
        for inner in left:
            self.report("FB103", inner, f"{self.qualified(inner)} is still used here")
        return layout.of(cast("cst.BaseExpression", rebuilt(node, written.get)))

    def flyte1(self, node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
        """The outermost Flyte 1 calls and names in an expression."""
        stack: list[cst.CSTNode] = [node]
        while stack:
            current = stack.pop()
            if isinstance(current, cst.BaseExpression) and is_v1(self.qualified(current)):
                yield current
                continue
            if isinstance(current, cst.Attribute):
                stack.append(current.value)
                continue
            stack.extend(children(current))

    def text(self, node: cst.BaseExpression) -> str:
        """The Flyte 2 text of an expression, on one line where that is possible."""
        return layout.flat(self.doc(node))
