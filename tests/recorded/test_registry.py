"""Flyteadmin's recorded answers about what is registered, listed, set, and wrong: asked for again, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorded import reviewed
from recorded.calls import compare, steps
from recorded.replay import Replay

if TYPE_CHECKING:
    from recorded.calls import Plane


def test_every_recorded_answer_is_given(plane: Plane) -> None:
    """An answer is flyteadmin's, or differs as a line of the reviewed list says, and every line is still needed."""
    lines, left, compared = reviewed.read("registry"), [], 0
    replay = Replay(plane)
    for step in steps("registry"):
        ours = replay.made(step)
        if "real" in step:
            compared += 1
            left += reviewed.unreviewed(lines, step["label"], compare(step["real"], ours))
    assert not left, f"{len(left)} differences are not in {reviewed.LIST.name}:\n" + "\n".join(left)
    assert compared > 700
    assert not reviewed.needless(lines)
