"""Where a Python file defines its entities, what each of them names, and what of Flyte 1 the file imports. Nothing is run."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field

_REFERENCES = ("reference_task", "reference_workflow", "reference_launch_plan", "get_reference_entity")
_FETCHES = ("fetch_", "get_active_launch_plan")


@dataclass(frozen=True)
class OutlinedEntity:
    """A top-level definition.

    Attributes:
        name: In its module.
        first: Its first line, decorators included.
        last: Its last line.
        names: Dotted names that it mentions, each once, in order.
        flow: Calls of a body, in order: a number, the name that is called, and the numbers whose results it takes.
        scheduled: Whether it is given a schedule.
        refers: `project/domain/name` of a registered entity that it stands for; empty where that is not written.
    """

    name: str
    first: int
    last: int
    names: tuple[str, ...]
    flow: tuple[tuple[str, tuple[int, ...]], ...] = ()
    scheduled: bool = False
    refers: str = ""


@dataclass
class SourceOutline:
    """A file.

    Attributes:
        entities: Its top-level definitions by name.
        flyte: Names of Flyte 1 that it imports.
        plugins: Plugins that it imports.
        images: Images that it names.
        calls: `project/domain/name` of registered entities that it fetches.
        is_remote: Whether it talks to a control plane.
    """

    entities: dict[str, OutlinedEntity] = field(default_factory=dict)
    flyte: Counter[str] = field(default_factory=Counter)
    plugins: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    calls: list[str] = field(default_factory=list)
    is_remote: bool = False


def outline(text: str) -> SourceOutline | None:
    """The outline of a file; None if it is no Python."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = SourceOutline()
    for statement in module.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.entities[statement.name] = _entity(statement.name, statement)
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            found.entities[statement.targets[0].id] = _entity(statement.targets[0].id, statement)
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                _imported(f"{node.module}.{alias.name}", found)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                _imported(alias.name, found)
        elif isinstance(node, ast.Call):
            _call(node, found)
    return found


def _imported(name: str, found: SourceOutline) -> None:
    parts = name.split(".")
    if parts[0] == "flytekit":
        found.flyte[name] += 1
        found.is_remote = found.is_remote or "remote" in parts or "clients" in parts
    elif parts[0] == "flytekitplugins":
        found.plugins[".".join(parts[:2])] += 1


def _call(call: ast.Call, found: SourceOutline) -> None:
    name = _dotted(call.func).rpartition(".")[2]
    if name.startswith(_FETCHES):
        found.calls += filter(None, [_registered(call)])
    for keyword in call.keywords:
        if keyword.arg in ("container_image", "base_image", "image") and isinstance(keyword.value, ast.Constant):
            found.images[str(keyword.value.value)] += 1
    if name == "ImageSpec":
        found.images["ImageSpec"] += 1


def _entity(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign) -> OutlinedEntity:
    decorators = [] if isinstance(node, ast.Assign) else node.decorator_list
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    mentioned = [_dotted(part) for part in ast.walk(node) if isinstance(part, (ast.Name, ast.Attribute))]
    made = node.value if isinstance(node, ast.Assign) else None
    calls = [one for one in (*decorators, made) if isinstance(one, ast.Call)]
    scheduled = any(keyword.arg == "schedule" for call in calls for keyword in call.keywords)
    refers = [_registered(call) for call in calls if _dotted(call.func).rpartition(".")[2] in _REFERENCES]
    flow = () if isinstance(node, ast.Assign) else _flow(node)
    last = node.end_lineno or node.lineno
    return OutlinedEntity(
        name, first, last, tuple(dict.fromkeys(filter(None, mentioned))), flow, scheduled, "".join(refers)
    )


def _registered(call: ast.Call) -> str:
    """`project/domain/name` as a call writes them; a dot for what it does not write, nothing without a name."""
    words = {one.arg: str(one.value.value) for one in call.keywords if isinstance(one.value, ast.Constant)}
    name = words.get("name", "")
    return f"{words.get('project', '.')}/{words.get('domain', '.')}/{name}" if name else ""


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _flow(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Which calls take which calls' results, by the names that hold these."""
    calls: list[tuple[str, tuple[int, ...]]] = []
    holds: dict[str, set[int]] = {}

    def value(node: ast.AST) -> set[int]:
        if isinstance(node, ast.Name):
            return holds.get(node.id, set())
        taken = set().union(*(value(child) for child in ast.iter_child_nodes(node)))
        name = _dotted(node.func) if isinstance(node, ast.Call) else ""
        if name:
            calls.append((name, tuple(sorted(taken))))
            return {len(calls) - 1}
        return taken

    for node in function.body:
        results = value(node)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in (part for one in targets for part in ast.walk(one)):
                if isinstance(target, ast.Name):
                    holds[target.id] = results
    return tuple(calls)
