"""Which names a module binds and which it uses while it is imported, in the order in which that happens.

Read with `ast`, a tenth of the price of LibCST's parser: every conversion is read once more.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from flyte_bridge_translators.source.engine.python_text import symbols_of, tree_of

BUILTINS = frozenset(dir(builtins)) | {
    "__name__", "__file__", "__doc__", "__spec__", "__loader__", "__package__", "__path__", "__builtins__",
    "__annotations__", "__dict__", "__cached__",
}  # fmt: skip

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Use:
    """A name that is used while a module is imported, though nothing has bound it yet."""

    name: str
    statement: ast.stmt


@lru_cache(maxsize=4)
def parsed(text: str) -> ast.Module:
    """The tree of a text; the checks ask for those of the same two texts again and again, and change nothing in them."""
    return tree_of(text)


def early_uses(tree: ast.Module) -> Iterator[Use]:
    """The names that statements at module level use before the module binds them, in order; builtins left out, and
    everything where a star import may bind what it likes."""
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in tree.body):
        return
    later = {name for statement in tree.body for name in bound(statement)}
    known = set(BUILTINS)
    lazy = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    for statement in tree.body:
        for name in _loads(statement, known, lazy):
            if name in later:
                yield Use(name, statement)
        known.update(bound(statement))


def bound(statement: ast.stmt) -> Iterator[str]:
    """The names a statement binds at its own level, blocks included (whichever of them runs)."""
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        yield statement.name
        return
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        for alias in statement.names:
            yield alias.asname or alias.name.split(".")[0]
        return
    for child in ast.iter_child_nodes(statement):
        yield from _bound_below(child)


def _bound_below(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.stmt):
        yield from bound(node)
    elif isinstance(node, ast.Name):
        if not isinstance(node.ctx, ast.Load):
            yield node.id
    elif not isinstance(node, ast.Lambda):
        if isinstance(node, ast.ExceptHandler) and node.name is not None:
            yield node.name
        if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name is not None:
            yield node.name
        for child in ast.iter_child_nodes(node):
            if not (isinstance(node, _COMPREHENSIONS) and isinstance(child, ast.comprehension)):
                yield from _bound_below(child)


def _loads(node: ast.AST, known: set[str], lazy: bool) -> Iterator[str]:
    """The unknown names a piece of text uses when it is run at module level, functions' bodies left out."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in known:
            yield node.id
    elif isinstance(node, _FUNCTIONS):
        yield from _each([*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)], known, lazy)
        if not lazy:
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            yield from _each([one.annotation for one in every if one.annotation is not None], known, lazy)
            yield from _each([node.returns] if node.returns is not None else [], known, lazy)
    elif isinstance(node, ast.Lambda):
        yield from _each([*node.args.defaults, *filter(None, node.args.kw_defaults)], known, lazy)
    elif isinstance(node, ast.ClassDef):
        yield from _each([*node.decorator_list, *node.bases, *(one.value for one in node.keywords)], known, lazy)
        yield from _block(node.body, known, lazy)
    elif isinstance(node, ast.AnnAssign):
        yield from _each([node.value] if node.value is not None else [], known, lazy)
        yield from _each([] if lazy else [node.annotation], known, lazy)
        yield from _loads(node.target, known, lazy)
    elif isinstance(node, _COMPREHENSIONS):
        inner = known | {name for loop in node.generators for name in _bound_below(loop.target)}
        yield from _each(list(ast.iter_child_nodes(node)), inner, lazy)
    elif isinstance(node, ast.Try):
        # What a block may not reach is not held against it: `try: import a` … `except ImportError: a = None`.
        yield from _block(
            [*node.body, *node.orelse, *(line for one in node.handlers for line in one.body)], known, lazy
        )
        yield from _block(node.finalbody, known | {name for line in node.body for name in bound(line)}, lazy)
    elif isinstance(node, (ast.If, ast.While)):
        if not (isinstance(node, ast.If) and _not_on_import(node.test)):
            yield from _loads(node.test, known, lazy)
            inner = known | set(_bound_below(node.test))
            yield from _block(node.body, inner, lazy)
            yield from _block(node.orelse, inner, lazy)
    elif isinstance(node, (ast.For, ast.With)):
        headers = [node.iter] if isinstance(node, ast.For) else [item.context_expr for item in node.items]
        yield from _each(headers, known, lazy)
        targets: list[ast.expr | None] = (
            [node.target] if isinstance(node, ast.For) else [item.optional_vars for item in node.items]
        )
        inner = known | {name for one in targets if one is not None for name in _bound_below(one)}
        yield from _block(node.body, inner, lazy)
        yield from _block(node.orelse if isinstance(node, ast.For) else [], inner, lazy)
    else:
        yield from _each(list(ast.iter_child_nodes(node)), known | set(_bound_below(node)), lazy)


def _each(nodes: list[ast.AST] | list[ast.expr], known: set[str], lazy: bool) -> Iterator[str]:
    for node in nodes:
        yield from _loads(node, known, lazy)


def _block(statements: list[ast.stmt], known: set[str], lazy: bool) -> Iterator[str]:
    inner = set(known)
    for statement in statements:
        yield from _loads(statement, inner, lazy)
        inner.update(bound(statement))


def _not_on_import(test: ast.expr) -> bool:
    """`if __name__ == "__main__"` and `if TYPE_CHECKING`: what runs only as a script sees the whole module."""
    names = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    return bool(names & {"__name__", "TYPE_CHECKING"}) or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def lost_names(text: str, path: str = "<converted>") -> frozenset[str]:
    """The names that any scope of a module takes from the module, and that the module never binds; empty where a star
    import may bind them."""
    table = symbols_of(text, path)
    tree = parsed(text)
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree)):
        return frozenset()
    at_top = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    declared: set[str] = set()
    used: set[str] = set()
    stack = [table]
    while stack:
        scope = stack.pop()
        for symbol in scope.get_symbols():
            name = symbol.get_name()
            if symbol.is_declared_global() and symbol.is_assigned():
                declared.add(name)
            # A function called `top` passes for the module in Python's symtable: its own names count as global there.
            outer = scope is table or (symbol.is_global() and not symbol.is_local())
            if outer and symbol.is_referenced():
                used.add(name)
        stack.extend(scope.get_children())
    return frozenset(used - at_top - declared - BUILTINS)
