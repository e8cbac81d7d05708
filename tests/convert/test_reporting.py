"""What is reported of a conversion's findings: selected, excused in the source, known of before; and in which forms."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flyte_bridge.convert.project_settings import configured
from flyte_bridge.errors import UsageError
from flyte_bridge_cli.convert import command
from flyte_bridge_cli.exits import Exit

REMOTE = 'from flytekit.remote import FlyteRemote\n\nremote = FlyteRemote.for_endpoint("localhost")\n'
RETRIES = "from flytekit import task\n\n\n@task(retries=3)\ndef a(x: int) -> int:\n    return x\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def reported(path: Path, *options: object) -> list[str]:
    document = json.loads(run(path, "--json", *options).stdout)
    return [finding["code"] for each in document["files"] for finding in each["findings"]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "remote.py").write_text(REMOTE)
    (tmp_path / "flow.py").write_text(RETRIES)
    return tmp_path


def test_without_a_table_all_is_reported(project: Path) -> None:
    """Nothing is left out that nobody asked to leave out."""
    codes = reported(project)
    assert "FB303" in codes
    assert run(project, "--check", "--diff").exit_code != Exit.DONE
    assert run(project / "scripts" / "remote.py").exit_code == Exit.BY_HAND


def test_the_table_in_pyproject(project: Path) -> None:
    """select, ignore and per-file-ignores of the nearest pyproject.toml hold; an option of that name replaces them."""
    everything = reported(project)
    hand = next(code for code in everything if code != "FB303")
    (project / "pyproject.toml").write_text('[tool.flyte-bridge]\nignore = ["FB303"]\n')
    assert reported(project) == [code for code in everything if code != "FB303"]
    assert reported(project, "--ignore", "FB4") == [code for code in everything if not code.startswith("FB4")]
    (project / "pyproject.toml").write_text('[tool.flyte-bridge.per-file-ignores]\n"scripts/*" = ["FB"]\n')
    assert hand not in reported(project)
    assert "FB303" in reported(project)
    assert run(project / "scripts" / "remote.py").exit_code == Exit.DONE
    (project / "pyproject.toml").write_text('[tool.flyte-bridge]\nselect = ["FB303"]\n')
    assert set(reported(project)) == {"FB303"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("per-file-ignore = {}", "has no key per-file-ignore; did you mean per-file-ignores?"),
        ('ignore = ["FB3033"]', "did you mean FB303?"),
        ('ignore = "FB303"', "wants lists of texts"),
        ("ignore = [", "cannot be read"),
    ],
)
def test_a_table_with_a_mistake(tmp_path: Path, table: str, message: str) -> None:
    """A mistake in pyproject.toml is told with the file, and with what is meant."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.flyte-bridge]\n{table}\n")
    with pytest.raises(UsageError) as caught:
        configured(tmp_path / "deep" / "flow.py")
    assert message in str(caught.value)
    assert "pyproject.toml" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        RETRIES.replace("(retries=3)", "(retries=3)  # flyte-bridge: ignore[FB303] the task is idempotent"),
        RETRIES.replace("@task(", "# flyte-bridge: ignore[FB211, FB303] known\n@task("),
    ],
)
def test_a_comment_excuses_its_line(tmp_path: Path, text: str) -> None:
    """`# flyte-bridge: ignore[FBnnn] reason` at the end of a line, or alone above it, excuses what is found there."""
    (tmp_path / "flow.py").write_text(text)
    assert "FB303" not in reported(tmp_path)


def test_a_comment_that_excuses_nothing(tmp_path: Path) -> None:
    """An unused ignore is reported, with what is meant when its code does not exist; a text that looks like one is none."""
    (tmp_path / "flow.py").write_text(
        RETRIES.replace("return x", "return x  # flyte-bridge: ignore[FB211]")
        + '\n\nTEXT = "# flyte-bridge: ignore[FB211]"\nY = 1  # flyte-bridge: ignore[FB3033]\n'
    )
    document = json.loads(run(tmp_path, "--json").stdout)
    unused = [finding for finding in document["files"][0]["findings"] if finding["code"] == "FB190"]
    assert [finding["line"] for finding in unused] == [6, 10]
    assert "did you mean FB303?" in unused[1]["message"]
    assert reported(tmp_path) == ["FB303", "FB190", "FB190"]


def test_a_baseline(project: Path, tmp_path: Path) -> None:
    """What a baseline knows of is not reported, wherever its line went; one more of the same is."""
    known = tmp_path / "known.json"
    assert run(project, "--write-baseline", known).exit_code == Exit.DONE
    assert reported(project, "--baseline", known) == []
    assert run(project, "--baseline", known).exit_code == Exit.DONE
    flow = project / "flow.py"
    flow.write_text(flow.read_text().replace("\n\n\n@task", "\n\n\n# moved\n\n\n@task"))
    assert reported(project, "--baseline", known) == []
    flow.write_text(flow.read_text() + "\n\n@task(retries=3)\ndef b(x: int) -> int:\n    return x\n")
    assert reported(project, "--baseline", known) == ["FB303"]


def test_errors_are_always_reported(tmp_path: Path) -> None:
    """A file that was not converted cannot be excused."""
    (tmp_path / "flow.py").write_text("def f(:  # flyte-bridge: ignore[FB101]\n")
    result = run(tmp_path, "--ignore", "FB", "--json")
    assert result.exit_code == Exit.NOT_CONVERTED
    assert "FB101" in result.stdout


def test_annotations_of_github(project: Path) -> None:
    """One workflow command per finding, with its place; nothing else is on standard output."""
    lines = run(project / "flow.py", "--format", "github").stdout.splitlines()
    assert len(lines) == len(reported(project / "flow.py"))
    assert lines[0].startswith(f"::warning file={project / 'flow.py'},line=4,col=")
    assert ",title=FB303::" in lines[0]


def test_sarif(project: Path) -> None:
    """A log of SARIF 2.1.0: each result names a rule of the log and a place that counts from one."""
    log = json.loads(run(project, "--format", "sarif").stdout)
    (only,) = log["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert len(only["results"]) == len(reported(project))
    for result in only["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1


def test_markdown_and_statistics(project: Path) -> None:
    """A table for a pull request, and a line per code with how many there are."""
    rows = run(project, "--format", "markdown").stdout.splitlines()
    assert len(rows) == 2 + len(reported(project))
    assert all(row.count(" | ") == 4 for row in rows[2:])
    assert "    1  FB303  check  retries count every exception" in run(project, "--statistics", "--check").stdout
