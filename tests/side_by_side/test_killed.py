"""Backfills and shadows that are killed (SIGKILL) at random moments: nothing is lost, doubled or stuck.

A sample; FLYTE_BRIDGE_TEST_FULL=1 kills each 200 times. Cut-overs are killed in `test_cutover`, imports in
`test_import_history`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import killed_work

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import TwoSides


@pytest.mark.parametrize("kind", ["backfill", "shadow"])
def test_killed_at_any_moment(two: TwoSides, tmp_path: Path, kind: str) -> None:
    """Each date runs once on each side and is compared, each execution is repeated once; what is kept is always readable."""
    told = killed_work(two, kind, tmp_path / "work")
    assert {name: told[name] for name in ("lost", "doubled", "stuck", "unreadable")} == dict.fromkeys(
        ("lost", "doubled", "stuck", "unreadable"), 0
    ), told
