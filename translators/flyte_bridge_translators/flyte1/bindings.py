"""Where a parameter gets its value from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from flyte_bridge_translators.flyte1.names import START

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flyteidl.core import literals_pb2


@dataclass(frozen=True, slots=True)
class Promise:
    """An output of a node, or a part of it.

    Attributes:
        node: The node's id; `start-node` for an input of the workflow.
        output: The output's name.
        path: Keys and indices that lead to the part.
    """

    node: str
    output: str
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that was known when the workflow was compiled; nobody looks into it."""

    value: literals_pb2.Scalar | literals_pb2.LiteralOffloadedMetadata


@dataclass(frozen=True, slots=True)
class Members:
    """A list, each member with a source of its own."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Entries:
    """A map from texts, each value with a source of its own."""

    sources: tuple[tuple[str, Source], ...]


Source: TypeAlias = "Promise | Constant | Members | Entries | None"
"""None says nothing: no compiler leaves that, and whoever needs the value fails."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A parameter and its source."""

    parameter: str
    source: Source


def promises(bindings: Iterable[Binding]) -> dict[str, None]:
    """The nodes whose outputs bindings need, each once, in their order; `start-node` for inputs of the workflow."""
    found: dict[str, None] = {}
    for binding in bindings:
        source = binding.source
        if isinstance(source, Promise):
            found[source.node] = None
        elif source is not None:
            found.update((promise.node, None) for promise in _promises(source))
    return found


def nodes(bindings: Iterable[Binding]) -> tuple[str, ...]:
    """The same without `start-node`: what has to end before."""
    return tuple(node for node in promises(bindings) if node != START)


def _promises(source: Source) -> Iterator[Promise]:
    match source:
        case Promise():
            yield source
        case Members():
            for member in source.sources:
                yield from _promises(member)
        case Entries():
            for _, value in source.sources:
                yield from _promises(value)
