"""Golden files: what each case becomes, compared whole, written only by the tests (`pytest --snapshot-update`)."""

from pathlib import Path
from typing import Any

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

TESTS = Path(__file__).parent
CASES = TESTS / "cases"
GOLDEN = TESTS.parent / "golden"


def case_files(*folders: str) -> list[Path]:
    """Every hand-written input, found by walking; a case that is a folder (a project) counts through its files."""
    found = sorted(path for path in CASES.rglob("*.py") if path.relative_to(CASES).parts[0] != "project")
    return [path for path in found if not folders or path.relative_to(CASES).parts[0] in folders]


def case_id(path: Path) -> str:
    """`translator/case`, the name a test and its golden share."""
    return path.relative_to(CASES).with_suffix("").as_posix()


class Golden(SingleFileSnapshotExtension):
    """One file per case, at `golden/<translator>/<case>.<extension>`: the test's parameter is its place."""

    _write_mode = WriteMode.TEXT
    _file_extension = file_extension = "txt"

    @classmethod
    def dirname(cls, **_: Any) -> str:
        return str(GOLDEN)

    @classmethod
    def _parameter(cls, test_location: Any) -> str:
        return str(test_location.snapshot_name.partition("[")[2].rstrip("]"))

    @classmethod
    def get_location(cls, *, test_location: Any, index: Any) -> str:
        return str(GOLDEN / f"{cls._parameter(test_location)}.{cls.file_extension}")

    @classmethod
    def matches_test_location(cls, **_: Any) -> bool:
        return True  # the place is the parameter's, not the test file's

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)


class PythonGolden(Golden):
    """Converted text."""

    _file_extension = file_extension = "py"


class FindingsGolden(Golden):
    """The findings of a conversion, one a line."""

    _file_extension = file_extension = "findings"
