"""Every row of the differences from flyteadmin that were found beside it is answered: by a step, a test, or a page."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from recorded.calls import steps

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ROWS = [*map(str, range(1, 52)), "14b"]
"""Of shared/recorded/differences.md."""

ANSWERS = [
    tuple(part.strip() for part in line.split("|", 2))
    for line in (HERE / "rows.txt").read_text().splitlines()
    if line and not line.startswith("#")
]


@cache
def _replayed() -> frozenset[str]:
    names = ("registry", "executions", "calls")
    return frozenset(step["label"] for name in names for step in steps(name) if "real" in step)


def test_every_row_is_answered() -> None:
    """None is left out, and there is none of another number."""
    assert {row for row, _, _ in ANSWERS} == set(ROWS)


@pytest.mark.parametrize(("row", "how", "where"), ANSWERS, ids=[f"{row}-{how}" for row, how, _ in ANSWERS])
def test_an_answer_is_there(row: str, how: str, where: str) -> None:
    """The steps are replayed, the test exists, the page says so."""
    match how:
        case "recorded":
            assert set(where.split()) <= _replayed(), row
        case "test":
            path, _, name = where.partition("::")
            assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), row
        case "documented":
            page, _, words = where.partition(" | ")
            assert words in (ROOT / "docs" / page).read_text(), row
        case _:
            raise AssertionError(how)
