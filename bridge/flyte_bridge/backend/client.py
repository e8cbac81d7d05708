"""Flyte 2 by verbs: flyteidl2 messages in and out, keyword arguments, our errors.

A verb is a few lines over `BackendClient.caller`; whoever misses one adds it to the module of its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyte_bridge.backend.data import DataVerbs, IdentityVerbs
from flyte_bridge.backend.memory import MemoryVerbs
from flyte_bridge.backend.runs import TERMINAL, ActionVerbs, ChildVerbs, RunVerbs
from flyte_bridge.backend.tasks import ProjectVerbs, TaskVerbs, TriggerVerbs

if TYPE_CHECKING:
    from flyte_bridge.backend.caller import Caller

__all__ = ["TERMINAL", "BackendClient"]


class BackendClient(
    TaskVerbs, TriggerVerbs, ProjectVerbs, RunVerbs, ActionVerbs, ChildVerbs, DataVerbs, IdentityVerbs, MemoryVerbs
):
    """A Flyte 2. Every verb raises a `StatusError` for what it is refused; `async with` closes it at the end.

    Attributes:
        caller: Makes the calls.
    """

    def __init__(self, caller: Caller) -> None:
        """Nothing is called yet.

        Args:
            caller: Makes the calls; belongs to this object from now on.
        """
        self.caller = caller

    async def close(self) -> None:
        """Lets go of the connections."""
        await self.caller.close()

    async def __aenter__(self) -> BackendClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
