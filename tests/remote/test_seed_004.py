"""The acceptance document of the legacy callers: a whole page of Flyte 1's documentation, as written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import User


def test_every_snippet_of_the_page_runs(user: User) -> None:
    """Registration, scripts, executions, files, options, nodes, waiting, terminate, relaunch, recover, signals, backfills
    and metrics: each snippet runs as the page has it, with `flyte-bridge exec`."""
    shutil.copy(Path(__file__).with_name("seed_004.py"), user.where)
    done = user.try_bridge("exec", "seed_004.py", timeout=600)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "the whole page has run" in done.stdout
