"""Walking a LibCST tree without paying for what we do not look at.

LibCST's own visitors touch every comma and every blank: one visit costs as much as parsing and emitting the file together
(measured with LibCST 1.9), and `ScopeProvider` three and a half times as much. The budget for a whole conversion is three
times, so the one walk we make skips whitespace and punctuation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from typing import TypeGuard

import libcst as cst

_PUNCTUATION = frozenset(
    {
        "asname_comma", "asynchronous", "colon", "comma", "dot", "equal", "footer", "header", "indent", "leading_lines",
        "lbrace", "lbracket", "lines_after_decorators", "lpar", "rbrace", "rbracket", "rpar", "semicolon", "star",
        "trailing_whitespace", "whitespace",
    }
)  # fmt: skip


@cache
def child_fields(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    """The names of the fields of a node class that may hold nodes which mean something."""
    return tuple(
        field.name
        for field in fields(kind)
        if field.name not in _PUNCTUATION and not field.name.startswith("whitespace_")
    )


_IS_NODE: dict[type, bool] = {}


def is_node(value: object) -> TypeGuard[cst.CSTNode]:
    """Whether a field's value is a node. LibCST's classes are abstract base classes: their `isinstance` costs ten times this."""
    kind = type(value)
    known = _IS_NODE.get(kind)
    if known is None:
        known = _IS_NODE[kind] = issubclass(kind, cst.CSTNode)
    return known


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The child nodes that mean something, field by field (not always in the order of the text)."""
    found: list[cst.CSTNode] = []
    for name in child_fields(type(node)):
        value = getattr(node, name)
        if is_node(value):
            found.append(value)
        elif type(value) in _SEQUENCES:
            found.extend(item for item in value if is_node(item))
    return found


_SEQUENCES = frozenset({list, tuple})


def walk(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The node and everything below it, parents first."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        below = children(current)
        below.reverse()
        stack += below


def rebuilt(node: cst.CSTNode, change: Callable[[cst.CSTNode], cst.CSTNode | None]) -> cst.CSTNode:
    """The node with what `change` gives for nodes below it (and itself) in their place; what it gives None for is rebuilt only
    above a change, so every other node is the very same one. (LibCST's `deep_replace` makes all of them anew: a second
    replacement finds nothing.)"""
    given = change(node)
    if given is not None:
        return given
    updates: dict[str, object] = {}
    for name in child_fields(type(node)):
        value = getattr(node, name)
        if is_node(value):
            new = rebuilt(value, change)
            if new is not value:
                updates[name] = new
        elif type(value) in _SEQUENCES:
            items = [rebuilt(item, change) if is_node(item) else item for item in value]
            if any(item is not old for item, old in zip(items, value, strict=True)):
                updates[name] = items
    return node.with_changes(**updates) if updates else node


_LITERALS = frozenset({cst.SimpleString, cst.Integer, cst.Float})
_BARE = cst.Module(body=())


def code(node: cst.CSTNode) -> str:
    """The text of one node."""
    if type(node) is cst.Name and not node.lpar:
        return node.value
    if type(node) in _LITERALS and not node.lpar:  # type: ignore[attr-defined]
        return node.value  # type: ignore[attr-defined, no-any-return]
    return _BARE.code_for_node(node)


def dotted(node: cst.BaseExpression | None) -> str | None:
    """`a.b.c` for a chain of names and attributes, else None."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr.value}" if base is not None else None
    return None


def string_value(node: cst.BaseExpression | None) -> str | None:
    """The value of a plain string literal (concatenated ones too), else None."""
    if isinstance(node, (cst.SimpleString, cst.ConcatenatedString)):
        value = node.evaluated_value
        return value if isinstance(value, str) else None
    return None


def used_names(node: cst.CSTNode) -> Iterator[cst.Name]:
    """The names an expression uses (not keywords, not attributes)."""
    stack: list[cst.CSTNode] = [node]
    for current in stack:
        if isinstance(current, cst.Name):
            yield current
        elif isinstance(current, (cst.Attribute, cst.Arg)):
            stack.append(current.value)
        else:
            stack.extend(children(current))
