"""A new run takes over what succeeded in another, and runs the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mends
import pytest
from flyteidl.admin import execution_pb2
from flyteidl2.common import identifier_pb2, phase_pb2

from driver.bed import DOMAIN, PROJECT, run_identifier
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed
    from flyte_bridge.backend.client import BackendClient

RECOVERED = phase_pb2.ACTION_PHASE_RECOVERED


def recovering(name: str) -> execution_pb2.ExecutionSpec:
    """The spec of an execution that recovers another."""
    spec = execution_pb2.ExecutionSpec()
    spec.metadata.mode = execution_pb2.ExecutionMetadata.RECOVERED
    source = spec.metadata.reference_execution
    source.project, source.domain, source.name = PROJECT, DOMAIN, name
    return spec


def _marks(where: Path) -> dict[str, int]:
    return {file.name: len(file.read_text().splitlines()) for file in where.iterdir() if file.name != "mend"}


@pytest.mark.go_like
@pytest.mark.parametrize("relation", [True, False])
def test_succeeded_nodes_are_taken_over(bed: Bed, tmp_path: Path, relation: bool) -> None:
    """Tasks, sub-workflows' nodes, answers and child runs that succeeded are recovered, whether or not the backend knows
    recovery; of a failed child run its own nodes are; and what is recovered can be recovered again."""
    first, second, third = (f"{word}-{relation}".lower() for word in ("failed", "recovering", "again"))
    run = bed.start(mends.mends, execution_pb2.ExecutionSpec(), first, where=str(tmp_path))
    bed.do(lambda backend: approve(backend, run))
    failed = bed.done(mends.mends, run)
    assert failed.phase == "FAILED"
    before = _marks(tmp_path)
    assert before == {"first": 1, "in-good-child": 1, "in-sub": 1, "in-child": 1, "mended": 2}

    again = bed.run(mends.mends, recovering(first), second, relation=relation, where=str(tmp_path))
    assert again.phase == "FAILED"
    assert _marks(tmp_path) == {**before, "mended": 4}
    assert again.actions["n0"].WhichOneof("spec") == "trace" or again.actions["n0"].status.phase == RECOVERED

    (tmp_path / "mend").touch()
    done = bed.run(mends.mends, recovering(second), third, relation=relation, where=str(tmp_path))
    assert done.phase == "SUCCEEDED", done.error
    assert done.outputs == {"o0": 4, "o1": 4, "o2": 4}
    assert _marks(tmp_path) == {**before, "mended": 6}
    told = "RECOVERED" if bed.like == "own" else "SUCCEEDED"  # the Go backend knows no recovery
    assert {name: done.phases()[name] for name in ("n0", "n1", "n2", "n3-0-n0")} == dict.fromkeys(
        ("n0", "n1", "n2", "n3-0-n0"), told
    )
    child = identifier.run_name(identifier.child_execution_name(third, "n4"))
    assert bed.done(mends.inner, child).phases()["n0"] == told


@pytest.mark.go_like
def test_what_succeeded_when_it_was_tried_again_is_taken_over(bed: Bed, tmp_path: Path) -> None:
    """The driver tries a task again as another action; that one's outputs are the node's."""
    assert bed.run(mends.tried, name="tried-and-failed", where=str(tmp_path)).phase == "FAILED"
    (tmp_path / "mend").touch()
    done = bed.run(mends.tried, recovering("tried-and-failed"), "tried-and-recovered", where=str(tmp_path))
    assert done.value == 7
    assert _marks(tmp_path) == {"slow-once": 2, "mended": 2}


async def approve(backend: BackendClient, run: str) -> None:
    """Answer the run's gate."""
    async for message in backend.watch_actions(run_id=run_identifier(run)):
        for enriched in message.enriched_actions:
            if enriched.action.status.phase == phase_pb2.ACTION_PHASE_PAUSED:
                action_id = identifier_pb2.ActionIdentifier(run=run_identifier(run), name=enriched.action.id.name)
                await backend.signal_event(action_id=action_id, value=True)
                return
