"""What is there to move, what becomes of each thing, and in which order: the same for source and for a live Flyte 1."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Disposition(str, Enum):
    """What becomes of one thing, from the best to the worst."""

    PROVED = "converts, proved"
    CONVERTS = "converts"
    BY_HAND = "converts, places by hand"
    UNCHANGED = "runs unchanged only"
    NOTHING = "no counterpart"


@dataclass(frozen=True)
class FoundPlace:
    """Something to do or to know at one place.

    Attributes:
        code: A finding's, or empty.
        where: `file:line:column`, or the entity.
        text: What happened there, and what to do.
    """

    code: str
    where: str
    text: str


@dataclass
class AssessedItem:
    """A workflow, launch plan, schedule, task that is run by itself, remote script or CI file.

    Attributes:
        kind: One of these.
        name: Its full name, or its path.
        where: Where it is defined, or registered.
        disposition: What becomes of it.
        places: What is to be done, or why it has no counterpart.
        needs: Names of the items that move before it.
        detail: What else is known: next fire times, executions.
        drawing: Its graph as SVG; empty where there is none.
        wave: It can move with the others of this number, from 1 on; 0 until it is known.
    """

    kind: str
    name: str
    where: str
    disposition: Disposition
    places: list[FoundPlace] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    detail: str = ""
    drawing: str = ""
    wave: int = 0


@dataclass
class Assessment:
    """A whole estate.

    Attributes:
        source: What was looked at.
        items: Everything that moves.
        features: Flyte 1's names and how often they are used.
        plugins: Plugins, alike.
        images: Images, alike.
        not_understood: Files that mention Flyte, and why nothing more is said of them.
    """

    source: str
    items: list[AssessedItem] = field(default_factory=list)
    features: Counter[str] = field(default_factory=Counter)
    plugins: Counter[str] = field(default_factory=Counter)
    images: Counter[str] = field(default_factory=Counter)
    not_understood: list[FoundPlace] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many items come to what."""
        counted = Counter(item.disposition for item in self.items)
        return {disposition.value: counted[disposition] for disposition in Disposition}


def put_in_order(items: Iterable[AssessedItem]) -> None:
    """Gives each item its wave: it moves after what it needs. What needs each other moves together."""
    import networkx

    named = {item.name: item for item in items if item.kind in ("workflow", "launch plan")}
    others = [item for item in items if item.name not in named or named[item.name] is not item]
    graph: Any = networkx.DiGraph()
    graph.add_nodes_from(named)
    graph.add_edges_from((need, item.name) for item in named.values() for need in item.needs if need in named)
    whole = networkx.condensation(graph)
    for wave, groups in enumerate(networkx.topological_generations(whole), 1):
        for group in groups:
            for name in whole.nodes[group]["members"]:
                named[name].wave = wave
    for item in others:
        item.wave = 1 + max((named[need].wave for need in item.needs if need in named), default=0)


@dataclass(frozen=True)
class BurnDown:
    """How an assessment differs from an earlier one.

    Attributes:
        before: How many items came to what.
        better: Items that come to something better, with both.
        worse: Items that come to something worse, with both.
        new: Items that were not there.
        gone: Items that are no longer there.
    """

    before: dict[str, int]
    better: list[str]
    worse: list[str]
    new: list[str]
    gone: list[str]


def burn_down(assessment: Assessment, earlier: Mapping[str, Any]) -> BurnDown:
    """Compares with an earlier report.

    Args:
        assessment: This one.
        earlier: What `assess --json` printed then.

    Raises:
        ValueError: It is no such report.
    """
    try:
        old = {(item["kind"], item["name"]): Disposition(item["disposition"]) for item in earlier["items"]}
    except (KeyError, TypeError) as error:
        raise ValueError(f"no report of `flyte-bridge assess --json`: {error!r}") from None
    new = {(item.kind, item.name): item.disposition for item in assessment.items}
    rank = {disposition: number for number, disposition in enumerate(Disposition)}
    counted = Counter(old.values())
    moved = {
        at: f"{' '.join(at)}: {old[at].value} -> {new[at].value}" for at in new if at in old and old[at] != new[at]
    }
    return BurnDown(
        {disposition.value: counted[disposition] for disposition in Disposition},
        [text for at, text in moved.items() if rank[new[at]] < rank[old[at]]],
        [text for at, text in moved.items() if rank[new[at]] > rank[old[at]]],
        [" ".join(at) for at in new if at not in old],
        [" ".join(at) for at in old if at not in new],
    )
