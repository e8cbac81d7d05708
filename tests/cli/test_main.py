"""The command itself: versions, hints, quiet, colors, completion, exit codes, and what a help text imports."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from flyte_bridge_cli.exits import MEANINGS, Exit
from flyte_bridge_cli.main import VERBS

HOUSE = Path(__file__).parents[2]
FLOW = """\
from flytekit import task, workflow


@task
def double(number: int) -> int:
    return 2 * number


@workflow
def training(number: int, name: str = "") -> int:
    return double(number=number)
"""


def bridge(*words: str | Path, where: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it."""
    return subprocess.run(
        [sys.executable, "-m", "flyte_bridge_cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=where,
        env={**os.environ, **environment},
    )


def test_version_tells_both_sdks() -> None:
    """Three lines: ours, flyte's, flytekit's, or that there is none."""
    ours, flyte, flytekit = bridge("--version").stdout.splitlines()
    assert ours == f"flyte-bridge {metadata.version('flyte-bridge')}"
    assert flyte == f"flyte {metadata.version('flyte')}"
    assert flytekit.startswith("flytekit ")


@pytest.mark.parametrize(("typed", "meant"), [("convrt", "convert"), ("regster", "register"), ("stat", "status")])
def test_a_verb_that_is_mistyped_is_guessed(typed: str, meant: str) -> None:
    """With the exit code of a wrong command line."""
    done = bridge(typed)
    assert done.returncode == Exit.USAGE
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in done.stderr


def test_an_option_that_is_mistyped_is_guessed() -> None:
    """As click does it."""
    done = bridge("convert", "--verfy", ".")
    assert done.returncode == Exit.USAGE
    assert "--verify" in done.stderr


def test_quiet_leaves_the_results(tmp_path: Path) -> None:
    """The diff is printed, the summary is not."""
    file = tmp_path / "flow.py"
    file.write_text(FLOW)
    loud, quiet = bridge("convert", file), bridge("--quiet", "convert", file)
    assert quiet.stdout == loud.stdout
    assert "1 converted" in loud.stderr
    assert "1 converted" not in quiet.stderr


@pytest.mark.parametrize(("words", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_no_color(tmp_path: Path, words: list[str], environment: dict[str, str]) -> None:
    """A diff on a terminal has colors, unless nobody wants them."""
    file = tmp_path / "flow.py"
    file.write_text(FLOW)
    forced = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    assert re.search("\x1b\\[[0-9;]*3[0-9]", bridge("convert", file, **forced).stdout)
    assert not re.search("\x1b\\[[0-9;]*3[0-9]", bridge(*words, "convert", file, **forced, **environment).stdout)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("flyte-bridge con", {"convert"}),
        ("flyte-bridge convert --ver", {"--verify"}),
        ("flyte-bridge run flow.py t", {"training"}),
        ("flyte-bridge run flow.py training --n", {"--number", "--name"}),
    ],
)
def test_completion(tmp_path: Path, typed: str, offered: set[str]) -> None:
    """Verbs, options, the workflows of a file and their inputs."""
    (tmp_path / "flow.py").write_text(FLOW)
    done = bridge(
        where=tmp_path,
        _FLYTE_BRIDGE_COMPLETE="bash_complete",
        COMP_WORDS=typed,
        COMP_CWORD=str(len(typed.split()) - 1),
    )
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered, done.stderr


def test_each_exit_code_has_one_meaning() -> None:
    """No two say the same, no code is a number elsewhere, and docs/cli.md has them all."""
    assert set(MEANINGS) == set(Exit)
    assert len(set(MEANINGS.values())) == len(Exit)
    page = (HOUSE / "docs" / "cli.md").read_text()
    assert all(f"| {code.value} | {code.meaning} |" in page for code in Exit)
    for path in (HOUSE / "cli").rglob("*.py"):
        assert not re.search(r"sys\.exit\(\d|EXIT_\w+ = \d", path.read_text()), path


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "pyflyte"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    """What takes a tenth of a second and more is imported when a verb works, not when it explains itself."""
    code = (
        f"import sys; sys.argv = ['flyte-bridge', '{verb}', '--help']\n"
        "from flyte_bridge_cli.main import group\n"
        "group.main(prog_name='flyte-bridge', standalone_mode=False)\n"
        "print({'flyte', 'flytekit', 'libcst', 'networkx', 'pandas', 'grpc'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "set()\n"


# -- doctor ---------------------------------------------------------------------------------------------------------------


def test_doctor_where_all_is_well(tmp_path: Path) -> None:
    """Versions, where the configuration comes from, the embedded backend's directory; nothing is started."""
    done = bridge("doctor", "--json", FLYTE_BRIDGE_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == Exit.DONE, done.stdout
    checks = {check["about"]: check for check in json.loads(done.stdout)["checks"]}
    assert metadata.version("flyte") in checks["versions"]["text"]
    assert checks["FLYTE_BRIDGE_DATA_DIR"]["text"] == f"{tmp_path / 'data'} (environment)"
    assert "none runs on" in checks["embedded backend"]["text"]
    assert checks["storage"]["state"] == "well"
    assert not (tmp_path / "data").exists()


def test_doctor_at_an_endpoint_that_is_dead(tmp_path: Path) -> None:
    """It says which, and exits with 1; a secret is not shown, and a setting that does not exist is named."""
    done = bridge(
        "doctor",
        FLYTE_BRIDGE_ENDPOINT="127.0.0.1:9",
        FLYTE_BRIDGE_INSECURE="true",
        FLYTE_BRIDGE_TOKEN="hush",
        FLYTE_BRIDGE_DRIVER="x",
    )
    assert done.returncode == Exit.FAILED
    assert "XX  endpoint 127.0.0.1:9: Flyte 2 at 127.0.0.1:9 cannot be reached" in done.stdout
    assert "!!  FLYTE_BRIDGE_DRIVER: x (environment): there is no such setting" in done.stdout
    assert "registering workflows is refused" in done.stdout
    assert "hush" not in done.stdout + done.stderr


def test_doctor_where_settings_contradict_each_other() -> None:
    """It tells what else there is to tell, and what is wrong."""
    done = bridge("doctor", FLYTE_BRIDGE_INSECURE="true")
    assert done.returncode == Exit.FAILED
    assert "XX  configuration: configuration (FLYTE_BRIDGE_*): insecure only mean" in done.stdout
