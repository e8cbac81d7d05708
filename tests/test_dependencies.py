"""What an install brings is what the code uses, and each requirement says why it is there."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
ROOTS = ("bridge", "cli", "translators")

NOT_IMPORTED = {
    "tzdata": "zoneinfo reads its files",
}
"""Requirements that no module names, and what uses them."""

RUN_AS_COMMANDS = {"bandit", "coverage", "hatchling", "import-linter", "mypy", "ruff", "pre-commit"}
"""Development requirements that are programs."""

USED_BY_OTHERS = {
    "aiobotocore": "what s3fs stands on",
    "flyte-controller-base": "the SDK loads it when it is there",
    "kubernetes": "flytekit loads it for pod templates",
    "pytest-xdist": "addopts name it",
    "types-croniter": "mypy reads it",
    "types-protobuf": "mypy reads it",
}
"""Development requirements that nothing of ours imports, and what uses them."""


def _requirements(head: str) -> list[tuple[str, str]]:
    """Name and comment of each requirement in pyproject's list that begins with `head`."""
    lines = (HOUSE / "pyproject.toml").read_text().split(f"{head} = [\n", 1)[1].split("\n]", 1)[0].splitlines()
    rows = [re.match(r'\s*"([\w.-]+)[^"]*",?\s*(?:#\s*(.*))?$', line) for line in lines]
    return [(row[1], row[2] or "") for row in rows if row is not None]


@cache
def _imported(*roots: str) -> frozenset[str]:
    """Every top-level module that a file below the roots imports, lazily or not."""
    names: set[str] = set()
    for root in roots:
        for path in (HOUSE / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names |= {node.module.partition(".")[0], ".".join(node.module.split(".")[:2])}
    return frozenset(names)


def _modules(distribution: str) -> set[str]:
    """What can be imported from a distribution; one that is not installed here has a module of its own name."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return {distribution.replace("-", "_")}
    tops = {str(file).partition("/")[0].removesuffix(".py") for file in files if file.suffix == ".py"}
    return {top for top in tops if top.isidentifier()} or {distribution.replace("-", "_")}


@pytest.mark.parametrize("head", ["dependencies", "frames"])
def test_what_is_installed_is_imported(head: str) -> None:
    """Each direct requirement is imported by the code, or stands in the table with what uses it."""
    imported = _imported(*ROOTS)
    unused = {name for name, _ in _requirements(head) if name not in NOT_IMPORTED and not _modules(name) & imported}
    assert unused == set()


def test_what_developers_install_is_used() -> None:
    """Each development requirement is imported by tests, benchmarks or pages, is a program, or says who uses it."""
    imported = _imported("tests", "benchmarks", "docs", *ROOTS)
    skip = {"flyte-bridge", *RUN_AS_COMMANDS, *USED_BY_OTHERS}
    unused = {name for name, _ in _requirements("dev") if name not in skip and not _modules(name) & imported}
    assert unused <= {"pytest-benchmark"}  # a fixture's name is all there is of it


@pytest.mark.parametrize("head", ["dependencies", "frames", "docs", "dev"])
def test_each_requirement_has_its_reason(head: str) -> None:
    """Beside each pin stands why it is there."""
    assert [name for name, reason in _requirements(head) if not reason] == []


@pytest.mark.parametrize("heavy", ["pandas", "pyarrow", "numpy", "sklearn", "scipy", "s3fs"])
def test_frames_are_an_extra(heavy: str) -> None:
    """What is large is no requirement, and no module imports it before it is needed."""
    assert heavy not in {name for name, _ in _requirements("dependencies")}
    for root in ROOTS:
        for path in (HOUSE / root).rglob("*.py"):
            for node in ast.parse(path.read_bytes()).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert heavy not in {name.partition(".")[0] for name in names}, path


def test_the_example_needs_nothing_that_frames_do_not_bring() -> None:
    """The README's first command runs with what it installs."""
    brought = {"flytekit", "pandas", "numpy", "typing_extensions", "dataclasses_json", "winery"}
    standard = {name for name in _imported("examples") if "." not in name} - brought
    assert standard <= set(sys.stdlib_module_names)
