"""Every name a converted module uses while it is imported is bound before: lines of ours that stand too low move up."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache

from flyte_bridge_translators.source.check.import_time import Use, bound, early_uses
from flyte_bridge_translators.source.engine.python_text import tree_of


def in_order(text: str, before: str) -> str:
    """The text with those statements moved up that conversion wrote (imports, environments, triggers) and something above
    them needs; what cannot be mended so is left for `misplaced` to tell.

    Args:
        text: The converted module.
        before: Its Flyte 1 text: a statement that stands in it is the user's and stays where it is.
    """
    moved: set[tuple[str, str]] = set()
    ours = _written_by_us(before)
    while True:
        for use in early_uses(text):
            definition = _definition(tree_of(text), use)
            if definition is None or not ours(ast.unparse(definition)):
                continue
            step = (ast.unparse(definition), ast.unparse(use.statement))
            if step in moved:
                continue
            moved.add(step)
            text = _moved(text, definition, use.statement)
            break
        else:
            return text


def misplaced(text: str, before: str) -> Iterator[Use]:
    """What is still used before it is bound, though it was not in the Flyte 1 text."""
    uses = early_uses(text)
    own = {use.name for use in early_uses(before)} if uses else set()
    yield from (use for use in uses if use.name not in own)


def _written_by_us(before: str) -> Callable[[str], bool]:
    @cache
    def theirs() -> set[str]:
        return {ast.unparse(statement) for statement in tree_of(before).body}

    return lambda text: text not in theirs()


def _definition(tree: ast.Module, use: Use) -> ast.stmt | None:
    """The one statement at module level, a single line of its own, that binds the name."""
    found = [statement for statement in tree.body if use.name in bound(statement)]
    if len(found) != 1 or not isinstance(found[0], (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)):
        return None
    neighbours = [one for one in tree.body if one is not found[0] and one.lineno <= (found[0].end_lineno or 0)]
    alone = all((one.end_lineno or 0) < found[0].lineno for one in neighbours)
    return found[0] if alone else None


def _moved(text: str, definition: ast.stmt, use: ast.stmt) -> str:
    lines = text.splitlines(keepends=True)
    start, end = definition.lineno - 1, definition.end_lineno or definition.lineno
    decorators = getattr(use, "decorator_list", [])
    target = min([use.lineno, *(one.lineno for one in decorators)]) - 1
    while target > 0 and lines[target - 1].lstrip().startswith("#"):
        target -= 1
    block = lines[start:end]
    blank = ["\n"] if not isinstance(definition, (ast.Import, ast.ImportFrom)) and decorators else []
    return "".join([*lines[:target], *block, *blank, *lines[target:start], *lines[end:]])
