"""What the goldens say exists in the installed flyte, and what they define can be deployed."""

import ast
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golden import GOLDEN, case_files, case_id

CASES = [GOLDEN / f"{case_id(path)}.py" for path in case_files()]
NOT_INSTALLED = {"flyteplugins", "kubernetes", "mylib", "torch"}
"""What a golden may need and the tests do not install: plugins of Flyte 2 and heavy libraries."""

SIGNATURES = """
import importlib, inspect, json, sys
def found(name):
    parts = name.split(".")
    value = importlib.import_module(parts[0])
    for index, part in enumerate(parts[1:], 1):
        if not hasattr(value, part):
            importlib.import_module(".".join(parts[: index + 1]))
        value = getattr(value, part)
    return value
names = {}
for name in json.load(sys.stdin):
    try:
        value = found(name)
        parameters = inspect.signature(value).parameters.values()
        skipped = 1 if inspect.isfunction(value) and name.split(".")[-2][:1].isupper() else 0
        names[name] = [[each.name, each.kind.name, each.default is each.empty] for each in list(parameters)[skipped:]]
    except Exception as error:
        names[name] = f"{type(error).__name__}: {error}"
print(json.dumps(names))
"""


def isolated(tmp_path: Path) -> dict[str, str]:
    """An environment in which the SDK finds no configuration of the user's."""
    return {**os.environ, "HOME": str(tmp_path), "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call of flyte's: dotted name and call. Methods are named after the class that what they hang on was made of."""
    made: dict[str, str] = {}
    members: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "flyte":
            members.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            owner = owner_of(node.value, made, members)
            if owner is not None:
                made[node.targets[0].id] = owner
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = called(node.func, made, members)
            if name is not None:
                yield name, node


def owner_of(node: ast.expr, made: dict[str, str], members: dict[str, str]) -> str | None:
    """The class of what an expression makes, for the ones whose methods are checked."""
    if isinstance(node, ast.Name):
        return made.get(node.id)
    if isinstance(node, ast.Call):
        name = called(node.func, made, members)
        if name is not None and name.startswith("flyte.Image."):
            return "flyte.Image"
        owner, _, method = (name or "").rpartition(".")
        if owner in {"flyte.io.File", "flyte.io.Dir"} and method.startswith(("from_", "new_")):
            return owner
        return name if name == "flyte.TaskEnvironment" else None
    return None


def called(func: ast.expr, made: dict[str, str], members: dict[str, str]) -> str | None:
    """The dotted name of what is called, when it is flyte's."""
    if isinstance(func, ast.Name):
        return members.get(func.id)
    if not isinstance(func, ast.Attribute):
        return None
    owner = owner_of(func.value, made, members)
    if owner is not None:
        return f"{owner}.{func.attr}"
    dotted = ast.unparse(func)
    root, _, rest = dotted.partition(".")
    if root in members and all(part.isidentifier() for part in rest.split(".")):
        return f"{members[root]}.{rest}"
    return dotted if root == "flyte" and all(part.isidentifier() for part in dotted.split(".")) else None


def test_every_call_of_flyte_binds_to_its_signature(tmp_path: Path) -> None:
    """Each name of flyte that a golden calls exists in the installed SDK, with those keyword names and enough arguments."""
    found = [
        (path, name, call)
        for path in CASES
        for name, call in calls(ast.parse(path.read_text()))
        if not any(argument for argument in call.args if isinstance(argument, ast.Starred))
    ]
    assert found
    names = sorted({name for _, name, _ in found})
    run = subprocess.run(
        [sys.executable, "-c", SIGNATURES],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        check=False,
        env=isolated(tmp_path),
    )
    assert run.returncode == 0, run.stderr
    known: dict[str, Any] = json.loads(run.stdout)
    wrong = []
    for path, name, call in found:
        parameters = known[name]
        if isinstance(parameters, str):
            wrong.append(f"{path.name}:{call.lineno}: {name}: {parameters}")
            continue
        signature = inspect.Signature(
            [
                inspect.Parameter(
                    parameter, getattr(inspect.Parameter, kind), default=inspect.Parameter.empty if required else None
                )
                for parameter, kind, required in parameters
            ]
        )
        keywords = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg is not None}
        try:
            signature.bind(*call.args, **keywords)
        except TypeError as error:
            wrong.append(f"{path.name}:{call.lineno}: {name}: {error}")
    assert not wrong


def test_every_golden_can_be_deployed(tmp_path: Path) -> None:
    """Each golden without leftovers imports, its environments make one valid deployment plan, and its tasks and triggers
    reach the wire."""
    free = [path for path in CASES if "flytekit" not in path.read_text()]
    for name in ("pyproject.toml", "uv.lock", "poetry.lock", "requirements.txt"):
        (tmp_path / name).touch()
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("deploy_plans.py")), *map(str, free)],
        capture_output=True,
        text=True,
        check=False,
        env=isolated(tmp_path),
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    results = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(results) == len(free)
    assert [each for each in results if "failed" in each] == []
    assert {each["missing"].split(".")[0] for each in results if "missing" in each} <= NOT_INSTALLED
    triggers = {Path(each["file"]).stem: each.get("triggers") for each in results}
    assert triggers["several"] == ["by_hand", "nobody keeps it", "often"]
    assert triggers["collections"] == ["weekly"]
