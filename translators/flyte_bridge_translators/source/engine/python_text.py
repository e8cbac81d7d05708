"""Python's own reading of a text, without its opinions: what it warns of in a user's code (`"\\d"`, `x is 3`) is theirs."""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache


@contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)  # what a bad escape was up to Python 3.11
        yield


@lru_cache(maxsize=4)
def tree_of(text: str) -> ast.Module:
    """The tree of a module; those of a file and of its conversion are asked for again and again, and nobody changes them.

    Raises:
        SyntaxError: It is no Python of the version that runs us.
    """
    with _without_warnings():
        return ast.parse(text)


def expression_of(text: str) -> ast.expr:
    """The tree of an expression.

    Raises:
        SyntaxError: It is none.
    """
    with _without_warnings():
        return ast.parse(text, mode="eval").body


def symbols_of(text: str, path: str) -> symtable.SymbolTable:
    """The symbol table of a module.

    Raises:
        SyntaxError: It is no Python of the version that runs us.
    """
    with _without_warnings():
        return symtable.symtable(text, path, "exec")


def check(text: str, path: str, *, is_notebook: bool = False) -> None:
    """Compiles a module, and lets the result go.

    Args:
        text: The module's.
        path: What errors call it.
        is_notebook: Its statements may await.

    Raises:
        SyntaxError: It is no Python of the version that runs us, by the rules that only the compiler knows too.
    """
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT if is_notebook else 0
    with _without_warnings():
        compile(text, path, "exec", flags, dont_inherit=True)


@lru_cache(maxsize=4)
def compiles(text: str, *, is_notebook: bool = False) -> bool:
    """Whether a module is Python to the version that runs us."""
    try:
        check(text, "<converted>", is_notebook=is_notebook)
    except SyntaxError:
        return False
    return True
