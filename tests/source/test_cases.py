"""Every case of `tests/cases` is converted and compared with its golden, whole; a golden is as good as the case that claims it."""

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from flyte_bridge.convert.converter import convert_source
from flyte_bridge_translators.source.engine.translator import Converted, Outcome, Unchanged
from golden import CASES, GOLDEN, FindingsGolden, PythonGolden, case_files, case_id

FILES = case_files()
IDS = [case_id(path) for path in FILES]


def converted(path: Path) -> Outcome:
    """A case's outcome; findings name it by its place below `tests/cases`, so goldens hold no path of a machine."""
    return convert_source(path.read_bytes(), path=path.relative_to(CASES).as_posix(), name=path.stem)


def text_of(path: Path, outcome: Outcome) -> str:
    return outcome.text if isinstance(outcome, Converted) else path.read_text()


def test_there_are_cases() -> None:
    """An empty parametrization would pass for nothing; the surface takes at least 120 cases."""
    assert len(FILES) >= 120


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_case(path: Path, snapshot: SnapshotAssertion) -> None:
    """A case becomes its golden, which parses, and converting the golden again changes nothing."""
    outcome = converted(path)
    text = text_of(path, outcome)
    assert text == snapshot(extension_class=PythonGolden)
    ast.parse(text)
    again = convert_source(text, path=path.name, name=path.stem)
    assert isinstance(again, Unchanged), getattr(again, "text", again)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_findings(path: Path, snapshot: SnapshotAssertion) -> None:
    """A case's findings are its golden's: code, place and message, one a line."""
    lines = [str(finding) for finding in converted(path).findings]
    assert "".join(f"{line}\n" for line in lines) == snapshot(extension_class=FindingsGolden)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_comments_stay(path: Path) -> None:
    """Every comment of a case is in its conversion, but for those inside an import statement, which goes with its names."""
    text = path.read_text()
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    inside = {line for node in imports for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    wanted = Counter(comment for line, comment in comments(text) if line not in inside)
    assert not wanted - Counter(comment for _, comment in comments(text_of(path, converted(path))))


def comments(text: str) -> Iterator[tuple[int, str]]:
    """The comments of a file: line and text."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def test_no_orphan_golden() -> None:
    """Each golden belongs to a case."""
    claimed = set(IDS)
    orphans = [
        path
        for suffix in (".py", ".findings")
        for path in GOLDEN.rglob(f"*{suffix}")
        if path.relative_to(GOLDEN).parts[0] not in {"wire", "graph", "help", "project"}
        and path.relative_to(GOLDEN).with_suffix("").as_posix() not in claimed
    ]
    assert not orphans
