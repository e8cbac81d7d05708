"""Tasks one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import chains

if TYPE_CHECKING:
    from driver.bed import Bed


def test_a_chain_gives_what_flytekit_gives(bed: Bed) -> None:
    """Each task is an action named as its node, and the result is that of flytekit's own local run."""
    done = bed.run(chains.chain, x=5)
    assert done.value == chains.chain(x=5) == "got 30"
    assert done.phases() == {
        "n0": "SUCCEEDED",
        "n1": "SUCCEEDED",
        "n2": "SUCCEEDED",
        "n3": "SUCCEEDED",
        "n4": "SUCCEEDED",
    }
