"""`flyte-bridge graph` as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = """
from flytekit import ImageSpec, LaunchPlan, dynamic, reference_launch_plan, reference_task, task, workflow

print("text of the user's own on standard output")

@task(container_image=ImageSpec(name="any", registry="localhost:5000", builder="there-is-none", packages=["pandas"]))
def one(n: int) -> int:
    return n

@dynamic
def many(n: int) -> int:
    return one(n=n)

@reference_task(project="p", domain="d", name="far.away", version="v1")
def away(n: int) -> int: ...

@reference_launch_plan(project="p", domain="d", name="far.plan", version="v1")
def plan(n: int) -> int: ...

@workflow
def chain(n: int) -> int:
    return plan(n=away(n=many(n=one(n=n))))

@workflow
def beside(n: int) -> int:
    return one(n=n)

nightly = LaunchPlan.get_or_create(chain, "nightly", default_inputs={"n": 3})
"""


def graph(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "flyte_bridge_cli.main", "graph", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "package" / "pipeline.py"
    path.parent.mkdir()
    path.with_name("__init__.py").touch()
    path.write_text(PIPELINE)
    return path


def test_workflow(file: Path) -> None:
    """A workflow of a package is drawn, with its longest chain; no image is built, and what is registered elsewhere needs no
    control plane."""
    done = graph(f"{file}::chain", "--critical-path")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "critical path: 4 actions: one > many > away > plan\n"
    assert done.stdout.splitlines()[:5] == [
        "flowchart TD",
        '  b0["n0: one"]',
        '  b1["n1: many"]',
        '  b2["n2: away"]',
        '  b3[/"n3: plan"/]',
    ]


def test_launch_plan_and_formats(file: Path, tmp_path: Path) -> None:
    """A launch plan is drawn as its workflow, in any format, to standard output or into a file."""
    document = json.loads(graph(f"{file}::nightly", "--format", "json").stdout)
    assert document["workflow"] == "package.pipeline.chain"
    assert [node["calls"] for node in document["nodes"]] == [
        "package.pipeline.one", "package.pipeline.many", "far.away", "far.plan"
    ]  # fmt: skip
    target = tmp_path / "chain.svg"
    done = graph(f"{file}::chain", "--format", "svg", "-o", target)
    assert (done.returncode, done.stdout) == (0, "")
    assert target.read_text().startswith("<svg ")


@pytest.mark.parametrize(
    ("text", "target", "code", "message"),
    [
        (PIPELINE, "{file}", 2, "is not FILE::WORKFLOW, such as"),
        (PIPELINE, "missing.py::chain", 2, "there is no file 'missing.py'"),
        (
            PIPELINE,
            "{file}::lost",
            1,
            "there is no 'lost' in it; its workflows and launch plans are: beside, chain, nightly",
        ),
        (PIPELINE, "{file}::one", 1, "only a workflow or a launch plan has a graph"),
        (
            "import nothing_of_that_name",
            "{file}::chain",
            1,
            "ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("def f(:", "{file}::chain", 1, "SyntaxError"),
        ("import os; os._exit(3)", "{file}::chain", 1, "the process ended with exit status 3"),
    ],
)
def test_refused(file: Path, text: str, target: str, code: int, message: str) -> None:
    """What cannot be drawn is told in words, with the user's own traceback where there is one."""
    file.write_text(text)
    done = graph(target.format(file=file))
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "flyte_bridge_cli" not in done.stderr
