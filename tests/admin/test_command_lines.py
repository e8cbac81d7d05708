"""flyte-cli and pyflyte, unmodified, over the embedded backend's own port: what they say of entities."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from flyte_bridge.embedded_client import instance, snippets

if TYPE_CHECKING:
    from pathlib import Path

    from flyte_bridge import config

_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")

WORKFLOW = """
from flytekit import CronSchedule, LaunchPlan, task, workflow


@task
def double(x: int) -> int:
    '''Doubles a number.'''
    return 2 * x


@workflow
def doubled(x: int = 3) -> int:
    return double(x=x)


nightly = LaunchPlan.get_or_create(doubled, "cli_nightly", schedule=CronSchedule(schedule="0 5 * * *"))
"""

RUNNER = """
import json
import sys

import click.testing

COMMANDS = json.loads(sys.argv[1])
told = []
for program, *words in COMMANDS:
    if program == "pyflyte":
        from flytekit.clis.sdk_in_container.pyflyte import main as command
    else:
        from flytekit.clis.flyte_cli.main import _flyte_cli as command
    done = click.testing.CliRunner().invoke(command, words)
    told.append([done.exit_code, done.output, repr(done.exception)])
print("TOLD", json.dumps(told))
"""


@pytest.fixture(scope="module")
def said(settings: config.Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each command printed; all of them must succeed. One process, for their imports take seconds."""
    where: Path = tmp_path_factory.mktemp("cli")
    (where / "cli_workflows.py").write_text(WORKFLOW)
    (where / "runner.py").write_text(textwrap.dedent(RUNNER))
    running = instance.ensure(settings.data_dir)
    endpoint = running.endpoint
    place = ["-p", "flytesnacks", "-d", "development"]
    cli = ["flyte-cli", "-i", "-h", endpoint]
    plan = "lp:flytesnacks:development:cli_nightly:cli1"
    register = [
        "pyflyte",
        "register",
        *place,
        "--version",
        "cli1",
        "--copy",
        "none",
        "--image",
        "x.example/y:1",
        "cli_workflows.py",
    ]
    commands = {
        "register": register,
        "register again": register,
        "activate": ["pyflyte", "launchplan", *place, "--activate", "cli_nightly", "cli1"],
        "plans": ["pyflyte", "get", "launchplan", *place],
        "active plans": ["pyflyte", "get", "launchplan", *place, "--active-only"],
        "task names": [*cli, "list-task-names", *place],
        "task versions": [*cli, "list-task-versions", *place, "-n", "cli_workflows.double"],
        "task": [*cli, "get-task", "-u", "tsk:flytesnacks:development:cli_workflows.double:cli1"],
        "workflow names": [*cli, "list-workflow-names", *place],
        "workflow": [*cli, "get-workflow", "-u", "wf:flytesnacks:development:cli_workflows.doubled:cli1"],
        "plan names": [*cli, "list-launch-plan-names", *place],
        "active": [*cli, "get-active-launch-plan", *place, "-n", "cli_nightly"],
        "update": [*cli, "update-launch-plan", "-u", plan, "--state", "inactive"],
        "plan": [*cli, "get-launch-plan", "-u", plan],
        "new project": [*cli, "register-project", "-p", "from-cli", "--name", "Named", "--description", "d"],
        "projects": [*cli, "list-projects"],
        "describe": [
            *cli,
            "update-workflow-meta",
            *place,
            "-n",
            "cli_workflows.doubled",
            "--description",
            "told",
            "--state",
            "archived",
        ],
    }
    env = {name: os.environ[name] for name in _KEPT if name in os.environ}
    env |= {"HOME": str(where), "COLUMNS": "200", "NO_COLOR": "1", "DO_NOT_TRACK": "1"}
    env |= snippets.flytekit_environment(running)
    done = subprocess.run(
        [sys.executable, "runner.py", json.dumps(list(commands.values()))],
        cwd=where, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("TOLD ")), None)
    assert line is not None, done.stdout + done.stderr
    told: list[Any] = json.loads(line.removeprefix("TOLD "))
    for name, (code, output, error) in zip(commands, told, strict=True):
        assert code == 0, f"{name}: {error}\n{output}"
    return {name: output for name, (_, output, _) in zip(commands, told, strict=True)}


def test_pyflyte_registers_and_activates(said: dict[str, str]) -> None:
    """Twice, for the second time everything is there; the active launch plan is told with its schedule."""
    for time in ("register", "register again"):
        assert "Successfully registered 4 entities" in said[time]
    assert "Launchplan was set to ACTIVE: cli_nightly:cli1" in said["activate"]
    rows = [line.split() for line in said["plans"].splitlines() if "cli" in line]
    assert ["│", "cli_nightly", "│", "cli1", "│", "ACTIVE", "│", "0", "5", "*", "*", "*", "│"] in rows
    assert "cli_workflows.doubled" in said["plans"]
    assert "cli_nightly" in said["active plans"]
    assert "cli_workflows.doubled" not in said["active plans"]


def test_flyte_cli_tells_of_entities(said: dict[str, str]) -> None:
    """Names, versions and whole entities."""
    assert "cli_workflows.double" in said["task names"]
    assert "tsk:flytesnacks:development:cli_workflows.double:cli1" in said["task versions"]
    assert "image: x.example/y:1" in said["task"]
    assert "short_description: Doubles a number." in said["task"]
    assert "cli_workflows.doubled" in said["workflow names"]
    assert "'end-node': ids: \"n0\"" in said["workflow"]
    assert "cli_nightly" in said["plan names"]
    assert "state: 1" in said["active"]
    assert "Successfully updated" in said["update"]
    assert "state: 1" not in said["plan"]


def test_flyte_cli_registers_projects_and_describes_workflows(said: dict[str, str], admin: Any) -> None:
    """What it wrote is there."""
    from flyteidl.admin import common_pb2
    from flyteidl.core import identifier_pb2

    assert "Registered project [id: from-cli, name: Named, description: d]" in said["new project"]
    assert "from-cli" in said["projects"]
    asked = common_pb2.NamedEntityGetRequest(
        resource_type=identifier_pb2.WORKFLOW,
        id={"project": "flytesnacks", "domain": "development", "name": "cli_workflows.doubled"},
    )
    assert admin.GetNamedEntity(asked).metadata == common_pb2.NamedEntityMetadata(description="told", state=1)
