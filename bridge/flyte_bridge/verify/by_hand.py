"""Which places that are left to do by hand a converted workflow reaches: read from the source, so that it holds after edits too."""

from __future__ import annotations

import ast
import pathlib
import re
from dataclasses import dataclass, field

from flyte_bridge.verify.imports import imported, module_file

_MARK = re.compile(r"#\s*TODO\(flyte-bridge (FB\d{3})\):\s*(.*)")


@dataclass(frozen=True)
class Place:
    """A TODO of the converter's in a converted file."""

    module: str
    line: int
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code} in {self.module}, line {self.line} ({self.text})"


@dataclass
class _Statements:
    """A module's statements at its top, by the names they bind.

    Attributes:
        places: Name → the TODOs in the statements that bind it, or directly above them.
        uses: Name → the names that those statements use: of this module, or `(module, name)` of another.
        imports: Name → where it comes from: `(module, name)`, or `(module, "")` for a module.
    """

    places: dict[str, list[Place]] = field(default_factory=dict)
    uses: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)


class LeftByHand:
    """The TODOs of a converted source tree.

    Args:
        root: The directory that its modules are imported from.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self._modules: dict[str, _Statements] = {}

    def reached_by(self, target: str) -> list[Place]:
        """The TODOs in what `module:name` uses, itself included, over all modules of the tree."""
        module, _, name = target.partition(":")
        waiting, seen = [(module, name)], {(module, name)}
        places: list[Place] = []
        while waiting:
            module, name = waiting.pop()
            statements = self._read(module)
            places += [place for place in statements.places.get(name, ()) if place not in places]
            onward = set(statements.uses.get(name, ()))
            if name in statements.imports:
                onward.add(statements.imports[name])
            waiting += onward - seen
            seen |= onward
        return places

    def _read(self, module: str) -> _Statements:
        if module not in self._modules:
            self._modules[module] = self._parsed(module)
        return self._modules[module]

    def _parsed(self, module: str) -> _Statements:
        found = _Statements()
        file = module_file(self._root, module)
        if file is None:
            return found
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
            tree = ast.parse(text)
        except (OSError, SyntaxError, ValueError):
            return found
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        marks = [
            Place(module, number, match[1], match[2].strip())
            for number, line in enumerate(text.splitlines(), 1)
            if (match := _MARK.search(line))
        ]
        for node in ast.walk(tree):
            found.imports |= imported(node, package)
        end = 0
        for statement in tree.body:
            places = [place for place in marks if end < place.line <= (statement.end_lineno or 0)]
            end = statement.end_lineno or end
            used = {_use(node, module, found.imports) for node in ast.walk(statement)} - {None}
            for name in _bound(statement):
                found.places.setdefault(name, []).extend(places)
                found.uses.setdefault(name, set()).update(one for one in used if one is not None)
        return found


def _use(node: ast.AST, module: str, imports: dict[str, tuple[str, str]]) -> tuple[str, str] | None:
    """What an expression names."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imports:
        origin, name = imports[node.value.id]
        return (".".join(filter(None, [origin, name])), node.attr)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return (module, node.id)
    return None


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(imported(node, ""))
    return names
