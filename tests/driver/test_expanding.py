"""Arrays and dynamic tasks, interrupted and recovered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import expands
import pytest
from flyteidl.admin.execution_pb2 import ExecutionSpec

from driver.test_durability import _disturb, _marks
from driver.test_recover import recovering
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed
    from flyte_bridge.backend.client import BackendClient

EVERYTHING = {*(f"element-{x}" for x in (0, 1, 2, 3, 104, 1040)), "total", "deeper", "numbers"}
STEP = 12
"""One run is killed at every so-manieth event, at most three times: more system failures no action may have."""


def test_killed_at_every_event(bed: Bed, tmp_path: Path) -> None:
    """Whenever the driver dies, its next attempt finds every element and every node of a dynamic task where it was."""
    places = [tmp_path / f"run-{first}" for first in range(STEP + 1)]
    for place in places:
        place.mkdir()
        place.joinpath("mend").touch()
    bed.register(expands.plan)
    runs = [bed.start(expands.expands, where=str(place)) for place in places]
    kills = [set(), *(set(range(first + 1, 3 * STEP + 1, STEP)) for first in range(STEP))]

    async def disturb(backend: BackendClient) -> None:
        await asyncio.gather(*(_disturb(bed, backend, run, at) for run, at in zip(runs, kills, strict=True)))

    bed.do(disturb)
    attempts = 0
    for place, run in zip(places, runs, strict=True):
        done = bed.done(expands.expands, run)
        assert done.phase == "SUCCEEDED", done.error
        assert tuple(done.outputs.values()) == (60, [10400])
        place.joinpath("mend").unlink()
        assert _marks(place) == dict.fromkeys(EVERYTHING, 1)
        attempts += done.details.status.attempts - 1
    assert attempts >= STEP  # the kills have hit


@pytest.mark.parametrize("relation", [True, False])
def test_recovered(bed: Bed, tmp_path: Path, relation: bool) -> None:
    """Elements and a dynamic task's nodes that succeeded are taken over, whether or not the backend knows recovery; what
    failed, and what depends on it, runs."""
    first, second, third = (f"{word}-{relation}-expands".lower() for word in ("failed", "second", "third"))
    bed.register(expands.plan)
    failed = bed.run(expands.expands, ExecutionSpec(), first, where=str(tmp_path))
    assert failed.phase == "FAILED"
    before = _marks(tmp_path)
    # the first element failed, and the others ran all the same
    assert before == dict.fromkeys(EVERYTHING - {"total"}, 1)

    tmp_path.joinpath("mend").touch()
    done = bed.run(expands.expands, recovering(first), second, relation=relation, where=str(tmp_path))
    assert done.phase == "SUCCEEDED", done.error
    assert tuple(done.outputs.values()) == (60, [10400])
    tmp_path.joinpath("mend").unlink()
    after = _marks(tmp_path)
    succeeded = {name for name, phase in failed.phases().items() if phase == "SUCCEEDED" and "closure" not in name}
    taken = {name for name, phase in done.phases().items() if phase == "RECOVERED" and "closure" not in name}
    assert identifier.action_name(identifier.element_id("n0-0-dn0", 1)) in taken
    assert succeeded - taken == {identifier.element_id("n2", 0)}  # the whole array was taken over
    assert taken <= succeeded
    ran_again = {name for name, count in after.items() if count > before.get(name, 0) and name in before}
    assert ran_again == {"element-3"}

    again = bed.run(expands.expands, recovering(second), third, relation=relation, where=str(tmp_path))
    assert again.phase == "SUCCEEDED", again.error
    assert again.outputs == done.outputs
    assert _marks(tmp_path) == after


def test_recovered_twice_after_a_retry(bed: Bed, tmp_path: Path) -> None:
    """Nodes beneath a dynamic task keep the number of its attempt in their ids, however often they are taken over."""
    names = ["retried-once", "retried-twice", "retried-thrice"]
    spec = ExecutionSpec()
    for name in names:
        done = bed.run(expands.flaky, spec, name, relation=False, where=str(tmp_path))
        assert done.phase == "FAILED"
        assert "n0-1-dn0" in done.phases(), done.error
        spec = recovering(name)
    assert _marks(tmp_path)["total"] == 1
