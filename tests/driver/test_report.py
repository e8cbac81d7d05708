"""The run's report."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

import arrays
import dynamics
import fails
import nested

import admitted

if TYPE_CHECKING:
    from pathlib import Path

    from driver.bed import Bed


def _report(bed: Bed, run: str) -> str:
    url = f"http://{bed.endpoint}/v2/domain/development/project/flytesnacks/runs/{run}/report/a0"
    request = urllib.request.Request(url, headers=admitted.headers(bed.access))
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def test_it_shows_the_graph_with_states_and_durations(bed: Bed) -> None:
    """Every node is drawn with what became of it, sub-workflows, launch plans and skipped arms included."""
    done = bed.run(nested.decides, x=1, limit=2.5)
    text = _report(bed, done.run)
    assert "<svg" in text
    assert re.search(r"succeeded · [0-9.]+ s", text)
    assert "skipped" in text
    assert all(f">{uid}<" in text for uid in ("n0", "n1", "n2"))


def test_it_shows_what_failed(bed: Bed) -> None:
    """A failed run has one, too, with the error beside its node."""
    done = bed.run(fails.handled, x=1)
    text = _report(bed, done.run)
    assert "cannot do 2" in text
    assert "1 failed" in text


def test_it_opens_dynamic_nodes(bed: Bed, tmp_path: Path) -> None:
    """What a dynamic node has become is drawn inside it, also when its task was tried again."""
    done = bed.run(dynamics.retried, place=str(tmp_path / "marks"), n=3)
    text = _report(bed, done.run)
    assert 'data-node="n0-1-dn0"' in text
    assert "2 succeeded" in text


def test_it_counts_elements(bed: Bed) -> None:
    """An array says how many of its elements succeeded."""
    text = _report(bed, bed.run(arrays.half, n=4).run)
    assert re.search(r"odd \(map\)</text>\n<text[^>]*>succeeded · [0-9.]+ s · 2 of 4<", text)
