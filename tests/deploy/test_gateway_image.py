"""What `flyte-bridge serve` needs in its image, and what the manifests say of it."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
ROOTS = {"flyte_bridge": "bridge", "flyte_bridge_cli": "cli", "flyte_bridge_translators": "translators"}

ELSEWHERE = ("flyte_bridge.embedded", "flyte_bridge.driver", "flyte_bridge.remote.flyte_remote", "flyte_bridge.verify")
"""What a gateway over an endpoint never reaches: the embedded backend, what runs in actions, what runs in scripts."""


def path_of(module: str) -> Path | None:
    """The file of one of our modules; None if there is none."""
    root = REPOSITORY / ROOTS[module.partition(".")[0]] / Path(*module.split("."))
    return next((path for path in (root.with_suffix(".py"), root / "__init__.py") if path.exists()), None)


def imported(path: Path) -> set[str]:
    """Every module that a file imports, now or later, but for types."""
    names: set[str] = set()
    tree = ast.parse(path.read_text())
    guarded = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def reached() -> set[str]:
    """The third-party packages that serving can import."""
    from flyte_bridge.admin.service import PARTS

    waiting = ["flyte_bridge_cli.main", "flyte_bridge_cli.serve"]
    waiting += [f"flyte_bridge.admin.{part.partition(':')[0]}" for part in PARTS]
    seen: set[str] = set()
    outside: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen or module.startswith(ELSEWHERE):
            continue
        seen.add(module)
        path = path_of(module)
        for name in imported(path) if path else ():
            top = name.partition(".")[0]
            if top in ROOTS:
                waiting.append(name)
            elif top not in sys.stdlib_module_names and top != "__future__":
                outside.add(name)
    return outside


def test_the_image_has_what_serving_imports() -> None:
    """The distributions that gateway.Dockerfile installs are those that serving can import, and are pinned."""
    text = (REPOSITORY / "gateway.Dockerfile").read_text()
    installed = set(re.search(r'NEEDED="([^"]*)"', text)[1].split())  # type: ignore[index]
    behind = packages_distributions()
    tops = {name.partition(".")[0] for name in reached()} - {"google"}
    wanted = {next(iter(sorted(behind[top]))) for top in tops} | {"protobuf"}
    print(wanted)
    assert installed == wanted
