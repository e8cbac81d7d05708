"""Every command of the README, run as it stands, on one embedded backend; and every command of the other pages is one."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flyte_bridge.embedded_client import instance
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.main import VERBS, group

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

HOUSE = Path(__file__).parent.parent
PAGES = [HOUSE / name for name in ("README.md", "AGENTS.md", "skills/flyte-bridge/SKILL.md")]
PAGES += sorted((HOUSE / "docs").rglob("*.md"))
DOORS = [HOUSE / "docs" / "index.md", *(HOUSE / "docs" / "paths" / name for name in ("convert.md", "run.md"))]
"""Pages whose blocks are run, too."""
PATIENCE = 300

PIPELINE = """\
from flytekit import task, workflow


@task
def double(x: int) -> int:
    return 2 * x


@workflow
def train(x: int = 3) -> int:
    return double(x=x)
"""

REPORT = """\
import argparse

from flytekit.configuration import Config
from flytekit.remote import FlyteRemote

parser = argparse.ArgumentParser()
parser.add_argument("--days", type=int)
print("days:", parser.parse_args().days)
remote = FlyteRemote(Config.for_endpoint("flyte.example.com"), default_project="flytesnacks", default_domain="development")
print("executions:", len(remote.recent_executions(limit=5)))
"""


def _blocks(page: Path, *languages: str) -> list[str]:
    """What stands in a page's blocks of these languages."""
    return [
        body
        for language, body in re.findall(r"```(\w+)\n(.*?)```", page.read_text(), re.DOTALL)
        if language in languages
    ]


def _lines(page: Path) -> list[str]:
    """The commands of a page's blocks, without prompts and what follows them in the README's first one: `pip install … &&`."""
    lines = [line for block in _blocks(page, "bash", "console") for line in block.splitlines()]
    prompted = any(line.startswith("$ ") for line in lines)
    return [line.removeprefix("$ ") for line in lines if line and (not prompted or line.startswith("$ "))]


@dataclass(frozen=True)
class Reader:
    """Somebody who does what the README says.

    Attributes:
        where: Where they work: the repository's examples and a few files of their own are there.
        env: Their environment: an empty home, in which the embedded backend keeps its data.
    """

    where: Path
    env: dict[str, str]

    def lay_out(self) -> None:
        """Puts the files back as they were: commands write over them."""
        for name in ("pipeline.py", "src/pipeline.py"):
            path = self.where / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(PIPELINE)

    def run(self, line: str, expected: int = 0) -> str:
        """Runs a line in a shell; what it printed."""
        self.lay_out()
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.where,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == expected, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def tries(self, line: str) -> None:
        """Runs a line, which has to print what stands beside it in `SAYS`."""
        said = next(said for part, said in SAYS.items() if part in line)
        assert said in self.run(line, Exit.WOULD_CHANGE if "--check" in line else 0), line


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """With the commands of this interpreter, `flyte-bridge` being this checkout's."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    command = home / "bin" / "flyte-bridge"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m flyte_bridge_cli.main "$@"\n')
    command.chmod(0o755)
    where = home / "work"
    where.mkdir()
    (where / "examples").symlink_to(HOUSE / "examples")
    (where / "report.py").write_text(REPORT)
    (hello,) = [block for block in _blocks(HOUSE / "README.md", "python") if block.startswith("# hello.py")]
    (where / "hello.py").write_text(hello)
    env = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    env |= {"PATH": f"{home / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(home)}
    env |= {"NO_COLOR": "1", "COLUMNS": "200", "DO_NOT_TRACK": "1", "FLYTE_DISABLE_TELEMETRY": "1"}
    env["PYTHONPATH"] = os.pathsep.join(
        [*(str(HOUSE / root) for root in ("bridge", "cli", "translators")), *filter(None, [env.get("PYTHONPATH")])]
    )
    yield Reader(where, env)
    instance.stop(home / ".local" / "share" / "flyte-bridge")


SAYS = {
    "flyte-bridge demo": "Report: ",
    "flyte-bridge doctor": "flyte-bridge",
    "flyte-bridge assess examples": "winery.training.train",
    "--certificate proof.json": "1 SAME",
    "verify proof.json --write --strict": "HOLDS",
    "graph examples/survey.py::survey": "flowchart",
    "convert examples/winery --verify": "11 SAME",
    "convert pipeline.py": "+import flyte",
    "convert src -o converted": "1 converted",
    "convert src --in-place": "1 converted",
    "convert src --check": "1 converted",
    "convert src --explain": "[task]",
    "convert src --verify --json": '"SAME"',
    "cat pipeline.py | flyte-bridge convert -": "@env.task",
    "run examples/survey.py survey --wait": "succeeded",
    "register examples/winery": "winery",
    "graph examples/winery/training.py::train": "flowchart",
    "exec report.py --days 7": "executions:",
    "pyflyte run --remote pipeline.py train": "Go to",
    "flyte-bridge coverage": "RPCs are served",
    "flyte-bridge convert src": "1 converted",
}
"""Part of a line of the README, or of a door of the documentation → part of what it prints."""

ELSEWHERE = ("pytest",)
"""What `.ci/run` does."""


def _commands(page: Path) -> list[str]:
    """A page's commands, one by one, without what is said of them."""
    return [line.split("   #")[0].strip() for line in _lines(page)]


def _readme() -> list[str]:
    """The README's commands, one by one, but for the last block, whose lines belong together."""
    lines = _commands(HOUSE / "README.md")
    last = next(index for index, line in enumerate(lines) if line == "flyte-bridge up")
    return [re.sub(r"^pip install .*? && ", "", line) for line in lines[:last]]


@pytest.mark.parametrize("line", [line for line in _readme() if " serve" not in line and line not in ELSEWHERE])
def test_each_command_does_what_the_readme_says(reader: Reader, line: str) -> None:
    """It succeeds and prints what somebody who tries it looks for."""
    reader.tries(line)


@pytest.mark.parametrize("page", DOORS, ids=lambda page: page.stem)
def test_each_door_does_what_it_says(reader: Reader, page: Path) -> None:
    """The commands of a page, one after the other, as somebody who enters there types them."""
    for line in _commands(page):
        reader.tries(line)


def test_what_is_installed_first_exists() -> None:
    """The extras that the README's first lines name are pyproject's."""
    extras = set(re.findall(r'pip install -e "\.\[(\w+)\]"', (HOUSE / "README.md").read_text()))
    assert extras == {"frames", "dev"}
    pyproject = (HOUSE / "pyproject.toml").read_text()
    assert all(f"\n{extra} = [" in pyproject for extra in extras)


def test_flyteadmin_is_served_where_the_readme_says(reader: Reader) -> None:
    """`serve` says where it is reached; with its port replaced by a free one."""
    (line,) = [line for line in _readme() if " serve" in line]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = shlex.split(line.replace("30080", str(port)))
    with subprocess.Popen(words, cwd=reader.where, env=reader.env, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        assert f"Flyte 1's control plane at 127.0.0.1:{port}" in serving.stdout.readline()
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(PATIENCE) == 0


def test_the_remote_of_the_readme(reader: Reader) -> None:
    """The block that uses `FlyteRemote` lists executions."""
    reader.run("flyte-bridge run pipeline.py train --wait")
    (block,) = [block for block in _blocks(HOUSE / "README.md", "python") if "FlyteRemote" in block]
    (reader.where / "remote.py").write_text(block)
    assert re.search(r"^\w+ \d+$", reader.run("python remote.py"), re.MULTILINE)


def test_flyte_2_on_one_machine(reader: Reader) -> None:
    """The last block: up, run with --follow, get run, down."""
    (block,) = [block for block in _blocks(HOUSE / "README.md", "bash") if block.startswith("flyte-bridge up")]
    said = reader.run(f"set -e\n{block}")
    assert "Embedded Flyte 2 backend at http://127.0.0.1:" in said
    assert "Hello, you!" in said
    assert "hello.main" in said
    assert "Stopped the embedded Flyte 2 backend" in said


# -- the other pages -----------------------------------------------------------------------------------------------------


def _mentioned() -> list[tuple[str, str]]:
    """Page and words of every `flyte-bridge VERB …` in a block or between backticks."""
    mentioned = []
    for page in PAGES:
        text = page.read_text()
        inline = re.findall(r"`(flyte-bridge [a-z][^`\n]*)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        lines = [line.split("   #")[0] for line in _lines(page) if "flyte-bridge " in line]
        mentioned += [(page.name, text) for text in dict.fromkeys([*inline, *lines])]
    return mentioned


@pytest.mark.parametrize(("page", "text"), _mentioned())
def test_every_command_of_the_pages_exists(page: str, text: str) -> None:
    """Its verb is one, and its options are the verb's."""
    import click

    words = re.split(r"[\s\[\]|]+", text[text.index("flyte-bridge ") :])[1:]
    verb = words[0].strip(",")
    if verb in ("VERB", "…") or verb.startswith("-"):
        return
    assert verb in VERBS, f"{page}: {text}"
    command = group.get_command(click.Context(group), verb)
    assert command is not None
    if command.context_settings.get("ignore_unknown_options"):
        return
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    options = {word.partition("=")[0] for word in words[1:] if re.match(r"--?[a-z]", word)}
    assert options <= {*known, "-h", "--help"}, f"{page}: {text}"


def test_the_python_of_the_pages_is_python() -> None:
    """Each block compiles; the one of docs/verify.md compares two trees."""
    for page in PAGES:
        for block in _blocks(page, "python"):
            compile(textwrap.dedent(block), page.name, "exec", dont_inherit=True)


def test_the_comparison_of_two_trees(reader: Reader) -> None:
    """docs/verify.md's program says SAME of a file and its conversion."""
    (block,) = _blocks(HOUSE / "docs" / "verify.md", "python")
    (reader.where / "compare.py").write_text(block)
    (reader.where / "before").mkdir()
    (reader.where / "before" / "pipeline.py").write_text(PIPELINE)
    reader.run("flyte-bridge convert before -o after")
    assert "SAME" in reader.run("python compare.py")
