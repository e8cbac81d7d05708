"""An execution and its nodes, as a comparison needs them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl.core import literals_pb2

_PREFIX = re.compile(
    r"^(failed at Node\[[^\]]*\]\. ?|\[\d+/\d+\] currentAttempt done\. Last Error: \w+::|\[\w[\w:|]*\] )+", re.MULTILINE
)
"""What the engines put before a task's own message."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]+")

_UNKNOWN = frozenset({"", "Unknown", "UnknownError", "UNKNOWN"})
"""Codes that say nothing."""


@dataclass(frozen=True)
class ErrorRecord:
    """An error by what two engines can agree on.

    Attributes:
        code: Its own code, without the engine's word before it (`RetriesExhausted|USER:Recoverable`); empty if unknown.
        kind: `USER`, `SYSTEM` or `UNKNOWN`.
        message: As it was told.
    """

    code: str
    kind: str
    message: str

    @classmethod
    def of(cls, code: str, kind: str, message: str) -> ErrorRecord:
        """An error as the control plane tells it."""
        own = code.rpartition("|")[2].rpartition(":")[2]
        return cls("" if own in _UNKNOWN else own, kind, message)

    @property
    def last_line(self) -> str:
        """The last line of the message that says something, without what engines put before it and without addresses."""
        lines = [line.strip() for line in _PREFIX.sub("", self.message).splitlines() if line.strip()]
        return _ADDRESS.sub("0x…", lines[-1]) if lines else ""


@dataclass(frozen=True)
class NodeRecord:
    """A node of an execution that has ended.

    Attributes:
        id: Unique in the execution.
        title: What a reader calls it.
        kind: `task`, `map`, `branch` …, as `graph.figure` has them.
        target: Full name of what it runs; empty if it runs nothing.
        phase: `SUCCEEDED`, `FAILED` …
        seconds: How long it took, if it has started.
        attempts: How many there were; 0 where there is no task.
        cache_hit: Whether its outputs came from the cache.
        error: Why it failed.
        outputs: What it gave.
    """

    id: str
    title: str
    kind: str
    target: str
    phase: str
    seconds: float | None
    attempts: int
    cache_hit: bool
    error: ErrorRecord | None
    outputs: literals_pb2.LiteralMap | None


@dataclass(frozen=True)
class ExecutionRecord:
    """An execution that has ended.

    Attributes:
        side: The control plane's name.
        name: The execution's.
        workflow: The full name of its workflow.
        version: The workflow's.
        phase: `SUCCEEDED`, `FAILED` …
        seconds: How long it took.
        error: Why it failed.
        inputs: What it was given.
        outputs: What it gave.
        nodes: By their ids; without start and end nodes.
        critical_path: The longest chain in time: seconds, and the ids of its nodes.
        task: The task that stands for the workflow, when the execution was born in Flyte 2; empty otherwise.
        imported_from: The control plane where it ran, when the side only keeps a record of it.
    """

    side: str
    name: str
    workflow: str
    version: str
    phase: str
    seconds: float
    error: ErrorRecord | None
    inputs: literals_pb2.LiteralMap
    outputs: literals_pb2.LiteralMap
    nodes: Mapping[str, NodeRecord] = field(default_factory=dict)
    critical_path: tuple[float, tuple[str, ...]] = (0.0, ())
    task: str = ""
    imported_from: str = ""
