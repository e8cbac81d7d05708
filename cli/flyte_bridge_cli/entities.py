"""The tasks and workflows that a file of Flyte 1 defines, read without importing it: for completion and for hints."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DECORATORS = {"task", "workflow", "dynamic", "eager"}
"""What makes an entity of a function."""


def entities(file: Path) -> dict[str, list[str]]:
    """Entities by name, each with its inputs; none of a file that cannot be read."""
    try:
        module = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    return {
        node.name: [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        for node in module.body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(_makes, node.decorator_list))
    }


def _makes(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) in DECORATORS
