"""The text of a converted file: what was changed is emitted, the rest is taken from the file's own text.

LibCST emits in Python, token by token; to copy the statements that nobody changed costs next to nothing.
"""

from __future__ import annotations

import ast

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.python_text import tree_of


def emitted(module: Module, tree: cst.Module) -> str:
    """The text of a tree that was made of a module's."""
    if tree is module.tree:
        return module.text
    source = module
    while source.before is not None:
        source = source.before
    starts = _starts(source)
    if starts is None or tree.header is not source.tree.header or tree.footer is not source.tree.footer:
        return tree.code
    lines = [f"{line}\n" for line in source.text.split("\n")[:-1]]
    places = {statement: place for place, statement in enumerate(source.tree.body)}
    parts = lines[: starts[0]]
    for statement in tree.body:
        place = places.get(statement)
        if place is None:
            parts.append(tree.code_for_node(statement))
        else:
            parts += lines[starts[place] : starts[place + 1]]
    return "".join([*parts, *lines[starts[-1] :]])


def _starts(module: Module) -> list[int] | None:
    """The first line of each statement at module level, blank lines and comments above it included, and that of the footer, from
    0; None where lines cannot be told apart so."""
    text = module.text
    if not text.endswith("\n") or "\r" in text:
        return None
    try:
        parsed = iter(tree_of(text).body)
    except SyntaxError:  # newer Python than the one that runs us
        return None
    lines = text.split("\n")
    starts = []
    for statement in module.tree.body:
        count = len(statement.body) if isinstance(statement, cst.SimpleStatementLine) else 1
        first, *_ = [next(parsed, None) for _ in range(count)]
        if first is None:
            return None
        decorators: list[ast.expr] = getattr(first, "decorator_list", [])
        line = min([first.lineno, *(each.lineno for each in decorators)])
        if decorators and not lines[line - 1].startswith("@"):
            return None
        starts.append(line - 1 - len(statement.leading_lines))
    return [*starts, len(lines) - 1 - len(module.tree.footer)] if starts and next(parsed, None) is None else None
