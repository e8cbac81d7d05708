"""Conversions that are kept: what is found again is what would be made anew, and nothing else is ever found."""

from __future__ import annotations

from pathlib import Path

import pytest

from flyte_bridge.convert.cache import ConversionCache
from flyte_bridge.convert.project import PARALLEL_FROM, ProjectResult, convert_files, find
from flyte_bridge_translators.source.engine.translator import Options

TASK = "from flytekit import task\n\n\n@task(retries=2)\ndef load() -> int:\n    return 1\n"
FLOW = "from flytekit import workflow\nfrom steps import load\n\n\n@workflow\ndef wf() -> int:\n    return load()\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory of enough files to be kept: tasks, and workflows that call one of another file."""
    folder = tmp_path / "project"
    folder.mkdir()
    folder.joinpath("steps.py").write_text(TASK)
    for number in range(PARALLEL_FROM):
        folder.joinpath(f"flow_{number}.py").write_text(FLOW)
    return folder


class Watched:
    """A conversion that tells whether it was made or found."""

    def __init__(self, tmp_path: Path) -> None:
        self.cache = ConversionCache(tmp_path / "cache")

    def __call__(self, project: Path, options: Options | None = None) -> tuple[ProjectResult, bool]:
        made: list[str] = []
        result = convert_files(
            find([project]), options, workers=1, progress=lambda phase, *_: made.append(phase), cache=self.cache
        )
        return result, not made


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A conversion with a cache of its own."""
    return Watched(tmp_path)


def test_the_same_files_are_not_converted_again(project, watched):
    """What is found is the whole result: texts, findings, names and facts."""
    cold, found = watched(project)
    assert not found
    assert any(each.outcome.findings for each in cold.files)
    warm, found = watched(project)
    assert found
    assert warm == cold == convert_files(find([project]), workers=1)


def test_a_changed_neighbour_is_another_conversion(project, watched):
    """A workflow is converted anew when the file changes that defines what it calls."""
    before, _ = watched(project)
    project.joinpath("steps.py").write_text("def load() -> int:\n    return 1\n")
    after, found = watched(project)
    assert not found
    flows = [[each.outcome.text for each in one.files if each.file.path.name == "flow_0.py"] for one in (before, after)]
    assert "await load" in flows[0][0]
    assert "await" not in flows[1][0]


def test_a_new_neighbour_is_another_conversion(project, watched):
    """A file more may be what an import leads to."""
    watched(project)
    project.joinpath("more.py").write_text("")
    assert not watched(project)[1]


def test_options_are_part_of_a_conversion(project, watched):
    """Other choices give another result."""
    watched(project)
    assert not watched(project, Options(retries="faithful"))[1]


def test_a_damaged_entry_counts_as_none(project, watched):
    """It is made anew, and found the next time."""
    cold, _ = watched(project)
    (entry,) = watched.cache.folder.iterdir()
    entry.write_bytes(entry.read_bytes()[:-7])
    again, found = watched(project)
    assert again == cold
    assert not found
    assert watched(project)[1]


def test_a_directory_that_cannot_be_written_keeps_nothing(project, tmp_path):
    """The conversion goes on without."""
    tmp_path.joinpath("file").write_text("")
    result = convert_files(find([project]), workers=1, cache=ConversionCache(tmp_path / "file"))
    assert len(result.files) == PARALLEL_FROM + 1


def test_what_others_may_have_written_is_not_read(project, watched):
    """An entry in a directory that others can write is no entry: it would be run by being read."""
    watched(project)
    watched.cache.folder.chmod(0o777)
    assert not watched(project)[1]
    watched.cache.folder.chmod(0o700)
    assert watched(project)[1]
