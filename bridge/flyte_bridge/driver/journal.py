"""What happened to each node, for the report and the log."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyte_bridge_translators.flyte1.closure import Closure
    from flyte_bridge_translators.flyte1.nodes import Node

_log = logging.getLogger("flyte_bridge.driver")


@dataclass
class NodeStory:
    """One node's story.

    Attributes:
        node: The closure's.
        state: `running`, `succeeded`, `failed`, `skipped`, `aborted` or `recovered`.
        started: Seconds since the epoch, 0 for a node that never began.
        ended: Likewise.
        error: What it failed with.
        note: What else to say of it, such as `48 of 50`.
    """

    node: Node
    state: str = "running"
    started: float = 0.0
    ended: float = 0.0
    error: str = ""
    note: str = ""


@dataclass
class Journal:
    """The nodes by unique id, in the order they began.

    Attributes:
        entries: They.
        closures: What dynamic nodes have become, compiled, by unique id.
        attempts: Which attempt of a dynamic node has become that, from 0: the ids of the nodes beneath it hold the number.
    """

    entries: dict[str, NodeStory] = field(default_factory=dict)
    closures: dict[str, Closure] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def began(self, uid: str, node: Node) -> NodeStory:
        """A node has its inputs and begins."""
        entry = self.entries[uid] = NodeStory(node, started=time.time())
        return entry

    def ended(self, uid: str, state: str, error: str = "") -> None:
        """A node has ended; one that was taken over stays `recovered`."""
        entry = self.entries[uid]
        entry.ended, entry.error = time.time(), error
        if not (state == "succeeded" and entry.state == "recovered"):
            entry.state = state
        _log.info("%s %s after %.2f s", uid, entry.state, entry.ended - entry.started)

    def recovered(self, uid: str) -> None:
        """A node's outputs were taken over from the run that is recovered."""
        if uid in self.entries:
            self.entries[uid].state = "recovered"

    def expanded(self, uid: str, closure: Closure, attempt: int) -> None:
        """A dynamic node has left a workflow to be run."""
        self.closures[uid], self.attempts[uid] = closure, attempt

    def noted(self, uid: str, note: str) -> None:
        """What else to say of a node."""
        if uid in self.entries:
            self.entries[uid].note = note

    def skipped(self, uid: str, node: Node) -> None:
        """A node will never begin."""
        self.entries[uid] = NodeStory(node, state="skipped")
