"""Files of a project that are no modules: none that names Flyte 1 is passed over in silence."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flyte_bridge_cli.convert import command
from flyte_bridge_cli.exits import Exit
from flyte_bridge_translators.project.mentions import mentions

TASK = "from flytekit import task\n\n\n@task\ndef a(x: int) -> int:\n    return x\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def project(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def found(result: Result) -> dict[str, list[str]]:
    """Name of each file → the codes of what is said of it."""
    return {
        Path(file["path"]).name: [finding["code"] for finding in file["findings"]]
        for file in json.loads(result.stdout)["files"]
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("uses flyteidl2 and flyte and my-pyflyte-tool", []),
        ("flytekit and flytekitplugins-spark", ["flytekit", "flytekitplugins"]),
        ("export FLYTE_PLATFORM_URL=x", ["FLYTE_PLATFORM_URL"]),
        ("# TODO(flyte-bridge FB610): pyflyte package", []),
        ("/usr/bin/pyflyte run; flytectl get", ["pyflyte", "flytectl"]),
    ],
)
def test_names_of_flyte_1(text: str, names: list[str]) -> None:
    """Flyte 1 is known by the names of its packages, commands and variables, and nothing else."""
    assert [mention.name for mention in mentions(text)] == names


def test_every_file_that_names_flyte_1_is_listed(tmp_path: Path) -> None:
    """Whatever names Flyte 1 and was not converted has a finding, in hidden directories too; caches have none."""
    project(
        tmp_path,
        {
            "app/tasks.py": TASK,
            "app/comment.py": "# flytekit is used elsewhere\n",
            "app/call.py": 'import subprocess\n\nsubprocess.run(["pyflyte", "run", "x.py", "wf"])\n',
            "app/quiet.py": "import os\n",
            "notes.md": "# Notes\n\nBuilt with flytekit.\n",
            "quiet.md": "# Nothing here\n",
            "uv.lock": 'name = "flytekit"\n',
            "model.bin": b"flytekit\0\1",
            ".circleci/orb": "uses flytectl\n",
            ".git/config": "pyflyte\n",
            ".venv/lib/x.txt": "flytekit\n",
            "a.egg-info/requires.txt": "flytekit\n",
        },
    )
    result = run(tmp_path, "--format", "json")
    assert found(result) == {
        "tasks.py": [],
        "comment.py": ["FB601"],
        "call.py": ["FB605"],
        "quiet.py": [],
        "notes.md": ["FB601"],
        "uv.lock": ["FB603"],
        "model.bin": ["FB604"],
        "orb": ["FB602"],
    }


def test_a_listing_names_its_lines(tmp_path: Path) -> None:
    """One finding a file, at the first line, with the others in it."""
    project(tmp_path, {"notes.md": "flytekit\n\npyflyte\nflytectl\n"})
    (file,) = json.loads(run(tmp_path, "--format", "json").stdout)["files"]
    assert [(each["line"], each["message"]) for each in file["findings"]] == [(1, "flytekit here, and lines 3, 4")]


def test_output_has_hidden_directories_and_modes(tmp_path: Path) -> None:
    """`-o` takes CI files along, and scripts stay executable; version control, environments and caches stay behind."""
    source = project(
        tmp_path / "in",
        {
            "run.py": "#!/usr/bin/env python\n" + TASK,
            "go.sh": "#!/bin/sh\necho flytekit\n",
            ".github/workflows/ci.yml": "on: push\n",
            ".git/config": "x\n",
            ".venv/pyvenv.cfg": "x\n",
        },
    )
    (source / "run.py").chmod(0o755)
    (source / "go.sh").chmod(0o755)
    assert run(source, "-o", tmp_path / "out").exit_code == Exit.DONE
    written = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()
    }
    assert written == {"run.py", "go.sh", ".github/workflows/ci.yml"}
    assert all((tmp_path / "out" / name).stat().st_mode & stat.S_IXUSR for name in ("run.py", "go.sh"))


def test_exclude(tmp_path: Path) -> None:
    """What `exclude` names is not converted, modules and others; what is given by name is."""
    project(
        tmp_path,
        {
            "pyproject.toml": '[tool.flyte-bridge]\nexclude = ["old", "*.md"]\n',
            "old/tasks.py": TASK,
            "old/go.sh": "pyflyte run\n",
            "notes.md": "flytekit\n",
            "tasks.py": TASK,
        },
    )
    assert set(found(run(tmp_path, "--format", "json"))) == {"tasks.py"}
    assert set(found(run(tmp_path / "notes.md", "--format", "json"))) == {"notes.md"}


def test_a_file_given_by_name_is_told_of(tmp_path: Path) -> None:
    """A text that is given alone is no Python that does not parse."""
    project(tmp_path, {"notes.md": "# Notes\n\nflytekit\n"})
    result = run(tmp_path / "notes.md")
    assert result.exit_code == Exit.DONE
    assert "FB601" in result.stderr
