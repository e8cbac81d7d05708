"""`flyte-bridge convert` as a user runs it: what it prints, what it writes, what it exits with."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flyte_bridge_cli import convert, finding_formats
from flyte_bridge_cli.convert import RETRIES, command
from flyte_bridge_cli.exits import Exit
from flyte_bridge_translators.source.engine import translator

NOTHING = "import os\n\nprint(os.sep)\n"
CLEAN = "from flytekit import task\n\n\n@task\ndef a(x: int) -> int:\n    return x\n"
HAND = 'from flytekit.remote import FlyteRemote\n\nremote = FlyteRemote.for_endpoint("localhost")\n'
BROKEN = "def f(:\n"

WAITS = """
from datetime import timedelta
from flytekit import approve, task, workflow


@task
def a(x: int) -> int:
    return x


@workflow
def w(x: int = 1) -> int:
    return approve(a(x=x), "yes", timeout=timedelta(hours=1))
"""


def run(*arguments: object, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], input=stdin)


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "flyte_bridge_cli.main", "convert", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def file(folder: Path, text: str, name: str = "pipeline.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (NOTHING, Exit.DONE),
        (CLEAN, Exit.DONE),
        (HAND, Exit.BY_HAND),
        (BROKEN, Exit.NOT_CONVERTED),
    ],
)
def test_exit_code(tmp_path: Path, text: str, code: int) -> None:
    """Nothing to do and all converted are 0; left to do by hand is 3; failed is 4."""
    result = run(file(tmp_path, text))
    assert result.exit_code == code, result.output


@pytest.mark.parametrize(
    ("text", "code"), [(NOTHING, Exit.DONE), (CLEAN, Exit.WOULD_CHANGE), (BROKEN, Exit.NOT_CONVERTED)]
)
def test_check(tmp_path: Path, text: str, code: int) -> None:
    """`--check` exits 6 when the file would change, and writes nothing."""
    path = file(tmp_path, text)
    assert run(path, "--check").exit_code == code
    assert path.read_text() == text


def test_the_choices_of_formats_are_those_there_are() -> None:
    """The help text has them without importing what writes them."""
    assert set(convert.FORMATS) == {"text", "json", *finding_formats.FORMATS}


def test_the_choices_of_retries_are_the_translators() -> None:
    """The help text has them without importing the converter."""
    assert RETRIES == translator.RETRIES


def test_exit_codes_are_in_the_help() -> None:
    """Each exit code stands in `--help`."""
    text = run("--help").output
    for code in (Exit.DONE, Exit.USAGE, Exit.BY_HAND, Exit.NOT_CONVERTED, Exit.DIFFERENT, Exit.WOULD_CHANGE):
        assert f"{code.value}  {code.meaning}" in text


def test_one_file_is_shown_as_a_diff(tmp_path: Path) -> None:
    """Without an option nothing is written: one file is shown as a unified diff."""
    path = file(tmp_path, CLEAN)
    result = run(path)
    assert "-from flytekit import task" in result.stdout
    assert "+import flyte" in result.stdout
    assert "nothing written" in result.stderr
    assert path.read_text() == CLEAN


def test_in_place(tmp_path: Path) -> None:
    """`--in-place` writes over the file; a second time there is nothing to do."""
    path = file(tmp_path, CLEAN)
    assert run(path, "--in-place").exit_code == Exit.DONE
    assert "import flyte\n" in path.read_text()
    assert run(path, "--check").exit_code == Exit.DONE


def test_output_directory(tmp_path: Path) -> None:
    """`-o DIR` writes below another directory and leaves the original."""
    path = file(tmp_path, CLEAN)
    assert run(path, "-o", tmp_path / "out").exit_code == Exit.DONE
    assert "import flyte\n" in (tmp_path / "out" / path.name).read_text()
    assert path.read_text() == CLEAN


def test_standard_input(tmp_path: Path) -> None:
    """`-` reads standard input and writes the result to standard output."""
    result = run("-", stdin=CLEAN)
    assert result.exit_code == Exit.DONE
    assert result.stdout.startswith("import flyte\n")


def test_standard_input_with_nothing_to_do() -> None:
    """Text without flytekit passes through as it is."""
    assert run("-", stdin=NOTHING).stdout == NOTHING


def test_json(tmp_path: Path) -> None:
    """`--json` prints one document: files with outcome, findings with code and place, text, renames."""
    file(tmp_path, CLEAN)
    file(tmp_path, HAND, "by_hand.py")
    file(tmp_path, BROKEN, "broken.py")
    result = run(tmp_path, "--json", "--explain")
    document = json.loads(result.stdout)
    files = {Path(each["path"]).name: each for each in document["files"]}
    assert files["pipeline.py"]["outcome"] == "converted"
    assert "import flyte" in files["pipeline.py"]["text"]
    assert files["pipeline.py"]["changes"][0].keys() == {"rule", "line", "column", "why"}
    assert files["broken.py"]["outcome"] == "failed"
    assert files["broken.py"]["findings"][0]["code"] == "FB101"
    assert {finding["severity"] for finding in files["by_hand.py"]["findings"]} >= {"hand"}
    assert document["renames"]
    assert result.exit_code == Exit.NOT_CONVERTED


def test_explain_names_rule_and_reason(tmp_path: Path) -> None:
    """`--explain` says for each changed place which rule changed it and why."""
    lines = [line for line in run(file(tmp_path, CLEAN), "--explain", "--check").stdout.splitlines() if ": [" in line]
    assert lines
    for line in lines:
        place, _, why = line.partition(": [")
        assert place.count(":") == 2
        assert why.partition("] ")[2]


def test_select_and_ignore(tmp_path: Path) -> None:
    """`--select` and `--ignore` choose what is reported, by code or prefix; the exit code follows, the TODO stays."""
    path = file(tmp_path, HAND)
    every = {finding["code"] for finding in json.loads(run(path, "--json").stdout)["files"][0]["findings"]}
    assert every
    code = min(every)
    ignored = json.loads(run(path, "--json", "--ignore", code).stdout)["files"][0]["findings"]
    assert code not in {finding["code"] for finding in ignored}
    selected = json.loads(run(path, "--json", "--select", code[:3]).stdout)["files"][0]["findings"]
    assert {finding["code"][:3] for finding in selected} == {code[:3]}
    quiet = run(path, "--ignore", "FB", "--diff")
    assert quiet.exit_code == Exit.DONE
    assert "TODO(flyte-bridge" in quiet.stdout
    assert "left to do by hand, 1 of them not reported" in quiet.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "--diff"], "exclude each other"),
        (["--inputs", "{file}"], "add it"),
        (["--tasks"], "--tasks is for --verify"),
        (["--python", "{file}"], "--python is for --verify"),
        (["--select", "E501"], "not a finding code"),
        (["--ignore", "FB2111"], "did you mean FB211?"),
        (["--baseline", "{file}"], "is no baseline"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    """Options that contradict each other are a clear usage error; nothing is touched."""
    path = file(tmp_path, CLEAN)
    words = [word.format(file=path) for word in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "flyte_bridge_cli.main", "convert", str(path), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_text() == CLEAN


@pytest.mark.skipif(find_spec("flytekit") is None, reason="flytekit stops at Python 3.12")
def test_verify_runs_lone_tasks_with_the_interpreter_named(tmp_path: Path) -> None:
    """`--verify --tasks --python`: a task that no workflow uses is run on both sides, by that interpreter."""
    path = file(tmp_path, CLEAN.replace("x: int)", "x: int = 3)"))
    log = tmp_path / "log"
    interpreter = tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\necho called >> {log}\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    done = process(path, "--verify", "--tasks", "--python", interpreter, "--json")
    verdicts = json.loads(done.stdout)["verify"]
    assert [(one["kind"], one["verdict"]) for one in verdicts] == [("task", "SAME")], done.stdout
    assert log.read_text().count("called") >= 2


def test_missing_path(tmp_path: Path) -> None:
    """A path that is not there: exit 2 and one line, no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "flyte_bridge_cli.main", "convert", str(tmp_path / "no.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.strip() == f"flyte-bridge: {tmp_path / 'no.py'}: no such file or directory"


@pytest.mark.skipif(find_spec("flytekit") is None, reason="flytekit stops at Python 3.12")
def test_strict_exits_with_5_unless_all_are_the_same(tmp_path: Path) -> None:
    """A workflow that cannot run locally is no difference; `--strict` wants a proof."""
    path = file(tmp_path, WAITS)
    assert run(path, "--verify").exit_code == Exit.DONE
    assert run(path, "--verify", "--strict").exit_code == Exit.DIFFERENT
