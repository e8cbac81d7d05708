"""What checks this repository, and what others put into theirs, names commands that exist."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

HOUSE = Path(__file__).parent.parent
VERSIONS = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (HOUSE / "pyproject.toml").read_text())


def _read(name: str) -> Any:
    return yaml.safe_load((HOUSE / name).read_text())


def test_the_workflow_runs_the_one_check_on_every_python() -> None:
    """Each job's step is `.ci/run` with the version of the matrix, and the matrix is what pyproject says."""
    job = _read(".github/workflows/ci.yml")["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == VERSIONS
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run ${{ matrix.python }}"]


def test_the_one_check_can_be_run() -> None:
    """It is a program that bash reads, and the sample it runs on other Pythons is there."""
    script = HOUSE / ".ci" / "run"
    assert script.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", str(script)], check=True)
    text = script.read_text()
    (sample,) = re.findall(r"^SAMPLE=\((.*)\)$", text, re.MULTILINE)
    assert all((HOUSE / path).exists() for path in sample.split())
    assert re.findall(r"^OTHERS=\((.*)\)$", text, re.MULTILINE) == [" ".join(VERSIONS)]


def test_a_python_that_nobody_has_is_said_by_name() -> None:
    """`.ci/run VERSION` fails with one line where there is no such Python."""
    done = subprocess.run(
        [str(HOUSE / ".ci" / "run"), "3.2"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
    )
    assert done.returncode == 1
    assert done.stderr == "no Python 3.2 here, and uv cannot bring one\n"


@pytest.mark.parametrize("name", [".pre-commit-config.yaml", ".pre-commit-hooks.yaml"])
def test_hooks_name_commands_that_exist(name: str) -> None:
    """Each entry begins with a program of the environment, and names files that are there."""
    told = _read(name)
    hooks = told if isinstance(told, list) else [hook for repo in told["repos"] for hook in repo["hooks"]]
    assert hooks
    for hook in hooks:
        program, *words = shlex.split(hook["entry"])
        assert shutil.which(program) or (Path(sys.executable).parent / program).exists(), hook
        assert all((HOUSE / word).exists() for word in words if "/" in word), hook


def test_the_hook_for_others_fails_while_something_is_left(tmp_path: Path) -> None:
    """With a file of Flyte 1; with its conversion it passes."""
    (hook,) = _read(".pre-commit-hooks.yaml")
    entry = [sys.executable, "-m", "flyte_bridge_cli.main", *shlex.split(hook["entry"])[1:]]
    file = tmp_path / "pipeline.py"
    file.write_text("from flytekit import task\n\n\n@task\ndef double(x: int) -> int:\n    return 2 * x\n")
    assert subprocess.run([*entry, str(file)], capture_output=True, check=False).returncode != 0
    subprocess.run([sys.executable, "-m", "flyte_bridge_cli.main", "convert", "--in-place", str(file)], check=True)
    assert subprocess.run([*entry, str(file)], capture_output=True, check=False).returncode == 0
