"""`convert --commit` makes a branch to review, one module at a time, and touches nothing else."""

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from flyte_bridge.convert import commits
from flyte_bridge_cli.convert import command
from flyte_bridge_cli.exits import Exit

STEPS = "from flytekit import task\n\n\n@task(retries=2)\ndef a(x: int) -> int:\n    return x\n"
FLOW = "from flytekit import workflow\n\nfrom steps import a\n\n\n@workflow\ndef wf(x: int = 1) -> int:\n    return a(x=x)\n"


def git(folder: Path, *arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.com")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "flow.py").write_text(FLOW)
    (folder / "steps.py").write_text(STEPS)
    (folder / "quiet.py").write_text("import os\n")
    (folder / "notes.md").write_text("flytekit\n")
    (folder / "go.sh").write_text("#!/bin/sh\npyflyte run flow.py wf\npyflyte package\n")
    (folder / "go.sh").chmod(0o755)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "Begin")
    return folder


def test_a_branch_of_one_commit_per_module(repository: Path) -> None:
    """What is imported comes first, what is no module last; the tree, its index and its branch are as they were."""
    head = git(repository, "rev-parse", "HEAD")
    result = run(repository, "--commit")
    assert result.exit_code == Exit.BY_HAND, result.output
    assert git(repository, "log", "--format=%s", "--reverse", "main..flyte-2").splitlines() == [
        "Convert steps.py to Flyte 2",
        "Convert flow.py to Flyte 2",
        "Convert the files around the source to Flyte 2",
    ]
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "rev-parse", "HEAD") == head
    assert git(repository, "branch", "--show-current") == "main"
    git(repository, "switch", "-q", "flyte-2")
    assert "import flyte\n" in (repository / "steps.py").read_text()
    assert (repository / "go.sh").read_text().splitlines()[1] == "flyte run --local flow.py wf"
    assert (repository / "go.sh").stat().st_mode & 0o111
    assert git(repository, "diff", "--name-only", "flyte-2~2", "flyte-2~1") == "flow.py"
    assert run(repository, "--check").exit_code == Exit.DONE


def test_messages_have_names_and_findings(repository: Path) -> None:
    """A message tells what a reviewer asks: names, findings with what to do, and in the last one those of files that stay."""
    run(repository, "--commit", "--branch", "review")
    steps, flow, around = git(repository, "log", "--format=%B%x00", "--reverse", "main..review").split("\0")[:3]
    assert "- steps.a is steps.a\n" in steps
    assert "FB303" in steps
    assert "- flow.wf is flow.wf\n" in flow
    assert "- go.sh:3:0: FB610 `pyflyte package`" in around
    assert "In files that did not change:\n- " in around
    assert "- notes.md:1:0: FB601 flytekit here (" in around


def test_a_proof_is_in_the_message(repository: Path) -> None:
    """With `--verify`, the verdict of each workflow and the hashes of what it is of."""
    result = run(repository, "--commit", "--verify", "--json")
    document = json.loads(result.stdout)
    assert [each["paths"] for each in document["commits"]] == [["steps.py"], ["flow.py"], ["go.sh"]]
    message = git(repository, "log", "-1", "--format=%B", document["commits"][1]["sha"])
    assert "Verified:\n- flow.wf: SAME" in message
    assert "SHA-256 of the source " in message


@pytest.mark.parametrize("change", ["edited", "untracked", "staged"])
def test_a_tree_with_changes_is_refused(repository: Path, change: str) -> None:
    """What is converted would not be what is committed: nothing is done, and the files are named."""
    (repository / ("new.py" if change == "untracked" else "flow.py")).write_text(FLOW + "\n")
    if change == "staged":
        git(repository, "add", "flow.py")
    result = CliRunner().invoke(command, [str(repository), "--commit"])
    assert result.exit_code != Exit.DONE
    assert "clean tree" in str(result.exception)
    assert git(repository, "branch", "--list", "flyte-2") == ""


def test_a_branch_that_is_there_is_refused(repository: Path) -> None:
    """A branch is never moved."""
    git(repository, "branch", "flyte-2")
    assert "is there already" in str(run(repository, "--commit").exception)


def test_a_folder_without_a_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's own words are told."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "steps.py").write_text(STEPS)
    assert "git rev-parse" in str(run(tmp_path, "--commit").exception)


def test_an_interrupted_run_leaves_nothing(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between two commits, there is no branch, and the tree is as it was: the next run does it all."""

    def interrupted(self: commits.Repository, message: str, parent: str) -> str:
        if "flow.py" in message:
            raise KeyboardInterrupt
        return original(self, message, parent)

    original = commits.Repository.commit
    monkeypatch.setattr(commits.Repository, "commit", interrupted)
    assert run(repository, "--commit").exit_code != Exit.DONE
    assert git(repository, "branch", "--list", "flyte-2") == ""
    assert git(repository, "status", "--porcelain") == ""
    monkeypatch.setattr(commits.Repository, "commit", original)
    assert run(repository, "--commit").exit_code == Exit.BY_HAND


def test_nothing_to_convert_makes_no_branch(repository: Path) -> None:
    """A project that is converted stays as it is."""
    assert run(repository / "quiet.py", "--commit").exit_code == Exit.DONE
    assert git(repository, "branch", "--list", "flyte-2") == ""


def test_options_that_write_exclude_each_other(repository: Path) -> None:
    """A commit is instead of writing files."""
    assert "exclude each other" in str(run(repository, "--commit", "--in-place").exception)
