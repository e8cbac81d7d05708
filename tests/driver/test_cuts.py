"""An execution that is cut at any point and recovered ends as an uncut one, and runs nothing twice that had succeeded."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import cuts
import pytest
from flyteidl.admin import execution_pb2

import modes
from driver.bed import run_identifier
from driver.test_recover import recovering
from flyte_bridge_translators.wire.phase import GOOD

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed
    from flyte_bridge.backend.client import BackendClient

ACTIONS = 12
"""Actions of the workflow's run that end well before its last task begins, the root and its child's own not counted."""

POINTS = range(1, ACTIONS) if modes.FULL else random.Random(10).sample(range(1, ACTIONS), 2)
"""After how many ends it is cut."""


def _marks(where: Path) -> dict[str, list[str]]:
    return {file.name: file.read_text().split() for file in where.iterdir()}


@pytest.mark.parametrize("ends", POINTS)
def test_a_cut_execution_is_recovered(bed: Bed, tmp_path: Path, ends: int) -> None:
    """What had succeeded is taken over, tasks below dynamic nodes, branches, maps and sub-workflows included."""
    run = bed.start(cuts.cuts, execution_pb2.ExecutionSpec(), f"cut-{ends}", where=str(tmp_path))

    async def enough(backend: BackendClient) -> bool:
        page = await backend.list_actions(run_id=run_identifier(run))
        return sum(action.status.phase in GOOD for action in page.actions) >= ends

    bed.until(enough)
    bed.do(lambda backend: backend.abort_run(run_id=run_identifier(run), reason="cut"))
    cut = bed.done(cuts.cuts, run)
    ended = {name for name, phase in cut.phases().items() if phase == "SUCCEEDED"}
    before = _marks(tmp_path)

    done = bed.run(cuts.cuts, recovering(f"cut-{ends}"), f"mended-{ends}", where=str(tmp_path))
    assert done.phase == "SUCCEEDED", done.error
    assert done.outputs == {"o0": 17}
    after = _marks(tmp_path)
    assert set(after) == {
        *("first", "in-sub", "in-branch", "in-child", "in-dynamic-1", "in-dynamic-2", "mapped-0", "mapped-1")
    }
    for name, actions in after.items():
        if name != "in-child" and actions[0] in ended:
            assert actions == before[name], f"{name} has run again"
        assert len(actions) <= 2
