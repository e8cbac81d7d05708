"""Which names a module binds and which it uses while it is imported, in the order in which that happens.

Read with `ast`, a tenth of the price of LibCST's parser: every conversion is read once more.
"""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from flyte_bridge_translators.source.engine.python_text import symbols_of, tree_of

BUILTINS = frozenset(dir(builtins)) | {
    "__name__", "__file__", "__doc__", "__spec__", "__loader__", "__package__", "__path__", "__builtins__",
    "__annotations__", "__dict__", "__cached__",
}  # fmt: skip

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_NAMING = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Use:
    """A name that is used while a module is imported, though nothing has bound it yet."""

    name: str
    statement: ast.stmt


@dataclass(frozen=True)
class LevelNames:
    """The names of a piece of text at its own level, functions' bodies left out.

    Attributes:
        bound: What it binds, blocks included (whichever of them runs); `*` for a star import.
        used: What it uses, and may have bound itself: more than `_loads` says, and said in one walk.
    """

    bound: set[str]
    used: set[str]


@lru_cache(maxsize=4)
def early_uses(text: str) -> tuple[Use, ...]:
    """The names that statements at module level use before the module binds them, in order; builtins left out, and
    everything where a star import may bind what it likes."""
    body = tree_of(text).body
    levels = [at_level(statement) for statement in body]
    later = set[str]().union(*(names.bound for names in levels))
    if "*" in later:
        return ()
    known = set(BUILTINS)
    lazy = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in body)
    uses: list[Use] = []
    for statement, names in zip(body, levels, strict=True):
        if not (names.used & later) <= known:
            uses += [Use(name, statement) for name in _loads(statement, known, lazy) if name in later]
        known |= names.bound
    return tuple(uses)


def at_level(node: ast.AST) -> LevelNames:
    """The names of a piece of text at its own level."""
    names = LevelNames(set(), set())
    stack = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, ast.Name):
            (names.used if isinstance(current.ctx, ast.Load) else names.bound).add(current.id)
        elif isinstance(current, _FUNCTIONS):
            names.bound.add(current.name)
            stack += [*current.decorator_list, *_defaults(current.args), *_annotations(current)]
        elif isinstance(current, ast.Lambda):
            stack += _defaults(current.args)
        elif isinstance(current, ast.ClassDef):
            names.bound.add(current.name)
            names.used.update(*(at_level(line).used for line in current.body))
            stack += [*current.decorator_list, *current.bases, *current.keywords]
        elif isinstance(current, (ast.Import, ast.ImportFrom)):
            names.bound.update(alias.asname or alias.name.split(".")[0] for alias in current.names)
        elif isinstance(current, ast.comprehension):
            stack += [current.iter, *current.ifs]
        elif not isinstance(current, (ast.Constant, ast.expr_context)):
            if isinstance(current, _NAMING) and current.name is not None:
                names.bound.add(current.name)
            for field in current._fields:
                value = getattr(current, field)
                if isinstance(value, list):
                    stack += [each for each in value if isinstance(each, ast.AST)]
                elif isinstance(value, ast.AST):
                    stack.append(value)
    return names


def bound(node: ast.AST) -> set[str]:
    """The names a piece of text binds at its own level."""
    return at_level(node).bound


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *filter(None, arguments.kw_defaults)]


def _annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    arguments = function.args
    every = [one.annotation for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return [annotation for annotation in (*every, function.returns) if annotation is not None]


def _loads(node: ast.AST, known: set[str], lazy: bool) -> Iterator[str]:
    """The unknown names a piece of text uses when it is run at module level, functions' bodies left out."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id not in known:
            yield node.id
    elif isinstance(node, _FUNCTIONS):
        yield from _each([*node.decorator_list, *_defaults(node.args)], known, lazy)
        yield from _each([] if lazy else _annotations(node), known, lazy)
    elif isinstance(node, ast.Lambda):
        yield from _each(_defaults(node.args), known, lazy)
    elif isinstance(node, ast.ClassDef):
        yield from _each([*node.decorator_list, *node.bases, *(one.value for one in node.keywords)], known, lazy)
        yield from _block(node.body, known, lazy)
    elif isinstance(node, ast.AnnAssign):
        yield from _each([node.value] if node.value is not None else [], known, lazy)
        yield from _each([] if lazy else [node.annotation], known, lazy)
        yield from _loads(node.target, known, lazy)
    elif isinstance(node, _COMPREHENSIONS):
        inner = known.union(*(bound(loop.target) for loop in node.generators))
        yield from _each(list(ast.iter_child_nodes(node)), inner, lazy)
    elif isinstance(node, ast.Try):
        # What a block may not reach is not held against it: `try: import a` … `except ImportError: a = None`.
        yield from _block(
            [*node.body, *node.orelse, *(line for one in node.handlers for line in one.body)], known, lazy
        )
        yield from _block(node.finalbody, known.union(*map(bound, node.body)), lazy)
    elif isinstance(node, (ast.If, ast.While)):
        if not (isinstance(node, ast.If) and _not_on_import(node.test)):
            yield from _loads(node.test, known, lazy)
            inner = known | bound(node.test)
            yield from _block(node.body, inner, lazy)
            yield from _block(node.orelse, inner, lazy)
    elif isinstance(node, (ast.For, ast.With)):
        headers = [node.iter] if isinstance(node, ast.For) else [item.context_expr for item in node.items]
        yield from _each(headers, known, lazy)
        targets: list[ast.expr | None] = (
            [node.target] if isinstance(node, ast.For) else [item.optional_vars for item in node.items]
        )
        inner = known.union(*(bound(one) for one in targets if one is not None))
        yield from _block(node.body, inner, lazy)
        yield from _block(node.orelse if isinstance(node, ast.For) else [], inner, lazy)
    else:
        yield from _each(list(ast.iter_child_nodes(node)), known | bound(node), lazy)


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


@lru_cache(maxsize=4)
def lost_names(text: str) -> frozenset[str]:
    """The names that any scope of a module takes from the module, and that the module never binds; empty where a star
    import may bind them."""
    table = symbols_of(text, "<converted>")
    if any("*" in bound(statement) for statement in tree_of(text).body):
        return frozenset()
    at_top = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    known = at_top | BUILTINS
    declared: set[str] = set()
    used: set[str] = set()
    stack = [table]
    while stack:
        scope = stack.pop()
        # A function called `top` passes for the module in Python's symtable: its own names count as global there.
        names = scope.get_globals() if isinstance(scope, symtable.Function) else scope.get_identifiers()
        for symbol in (scope.lookup(name) for name in names if name not in known):
            if symbol.is_declared_global() and symbol.is_assigned():
                declared.add(symbol.get_name())
            outer = (
                scope is table or isinstance(scope, symtable.Function) or (symbol.is_global() and not symbol.is_local())
            )
            if outer and symbol.is_referenced():
                used.add(symbol.get_name())
        stack.extend(scope.get_children())
    return frozenset(used - declared)
