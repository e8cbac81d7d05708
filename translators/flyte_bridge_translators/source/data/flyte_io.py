"""Writing expressions of `flyte.io` and friends: names, imports and awaits that fit where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar, cast

import libcst as cst

from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import child_fields, is_node

Node = TypeVar("Node", bound=cst.CSTNode)


def is_free(module: Module, name: str, means: str) -> bool:
    """Whether a name can be imported here: nobody uses it, or it already means the same."""
    if name not in module.taken():
        return True
    bindings = module.scope.bindings.get(name, [])
    return bool(bindings) and all(binding.qualified == means for binding in bindings)


def io_class(module: Module, plan: Plan, name: str) -> cst.BaseExpression:
    """`File` with its import, or `flyte.io.File` where the short name is taken."""
    return member(module, plan, "flyte.io", name)


def member(module: Module, plan: Plan, source: str, name: str) -> cst.BaseExpression:
    """A member of a module by its short name, imported; by its full name where the short one is taken."""
    if is_free(module, name, f"{source}.{name}"):
        plan.want(f"from {source} import {name}")
        return cst.Name(name)
    plan.want(f"import {source}")
    return expression(f"{source}.{name}")


def expression(text: str, **parts: cst.BaseExpression) -> cst.BaseExpression:
    """An expression from text, with `{part}`s put in.

    The parts go in as they are: what is left of the user's code in them is found again by identity, and reported.
    """
    return _filled(_parsed(_PART.sub(r"__\1__", text)), {f"__{name}__": part for name, part in parts.items()})


_PART = re.compile(r"\{(\w+)\}")


def _filled(node: Node, parts: Mapping[str, cst.BaseExpression]) -> Node:
    """The node with parts for the names that stand for them; LibCST's own visitors take ten times as long."""
    if isinstance(node, cst.Name):
        return cast("Node", parts.get(node.value, node))
    updates: dict[str, object] = {}
    for name in child_fields(type(node)):
        value = getattr(node, name)
        if is_node(value):
            new = _filled(value, parts)
            if new is not value:
                updates[name] = _alone(new) if isinstance(node, cst.Attribute) else new
        elif type(value) in {list, tuple}:
            items = [_filled(item, parts) for item in value]
            if any(new is not item for new, item in zip(items, value, strict=True)):
                updates[name] = items
    return node.with_changes(**updates) if updates else node


def _alone(node: cst.CSTNode) -> cst.CSTNode:
    """An expression that something is taken of: an `await` needs parentheses there."""
    if isinstance(node, cst.Await) and not node.lpar:
        return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return node


@lru_cache(maxsize=256)
def _parsed(text: str) -> cst.BaseExpression:
    return cst.parse_expression(text)


def can_await(module: Module, node: cst.CSTNode) -> bool:
    """Whether an `await` may stand at a node: the innermost function around it is async, and no lambda or generator lies between.

    Workflows and dynamics count as async, because that is what they become.
    """
    from flyte_bridge_translators.source.engine.entities import entity_decorator

    below = node
    for above in module.ancestors(node):
        if isinstance(above, (cst.Lambda, cst.GeneratorExp)):
            return False
        if isinstance(above, cst.FunctionDef) and below is above.body:
            if above.asynchronous is not None:
                return True
            found = entity_decorator(module, above)
            return found is not None and found[1].is_driver
        below = above
    return False


def call(module: Module, node: cst.CSTNode, sync: str, **parts: cst.BaseExpression) -> cst.BaseExpression:
    """`f.download_sync()` in sync code, `await f.download()` in async code.

    Args:
        module: The file.
        node: Where the expression will stand.
        sync: The sync form as a template; its async form is the same without `_sync`.
        parts: What goes into the template.
    """
    if not can_await(module, node):
        return expression(sync, **parts)
    return cst.Await(expression(sync.replace("_sync(", "("), **parts))


def atom(node: cst.BaseExpression) -> cst.BaseExpression:
    """The expression, in parentheses where an attribute or call could not follow it directly."""
    plain = (
        cst.Name,
        cst.Attribute,
        cst.Call,
        cst.Subscript,
        cst.List,
        cst.Dict,
        cst.SimpleString,
        cst.FormattedString,
    )
    if isinstance(node, plain) or node.lpar:
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
