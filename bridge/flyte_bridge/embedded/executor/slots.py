"""Room on the machine: how much runs at once, by what tasks request.

A parent that waits for its children holds nothing: were it counted, enough parents would wait forever for room for the
children.
When its children are done it takes its share back at once, even if that is more than there is: it runs already.
Room is given in the order of asking, deeper actions first, so that what is begun is finished before more is begun; who
does not fit
is waited for, not overtaken.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyte_bridge.embedded_client.room import NOTHING, Room, whole_machine

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(order=True)
class _Waiting:
    depth: int
    number: int
    owner: Hashable = field(compare=False)
    need: Room = field(compare=False)
    granted: asyncio.Future[None] = field(compare=False)


class Slots:
    """Who holds how much, and who waits.

    Args:
        capacity: All there is. A request above it is cut to it: it then runs alone.
    """

    def __init__(self, capacity: Room | None = None) -> None:
        self.capacity = capacity or whole_machine()
        self._free = self.capacity
        self._held: dict[Hashable, Room] = {}
        self._lent: dict[Hashable, Room] = {}
        self._queue: list[_Waiting] = []
        self._numbers = itertools.count()

    @property
    def free(self) -> Room:
        """What nobody holds; negative while parents that woke up take more than there is."""
        return self._free

    def try_take(self, owner: Hashable, need: Room) -> bool:
        """Take room if there is some and nobody waits for it."""
        need = need.at_most(self.capacity)
        if need != NOTHING and (self._queue or not need.within(self._free)):
            return False
        self._hold(owner, need)
        return True

    async def take(self, owner: Hashable, need: Room, *, depth: int = 0) -> None:
        """Wait for room and take it. A cancelled wait takes nothing."""
        if self.try_take(owner, need):
            return
        need = need.at_most(self.capacity)
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(-depth, next(self._numbers), owner, need, granted)
        heapq.heappush(self._queue, waiting)
        self._grant()  # it may be deeper than one that does not fit
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release(owner)
            else:
                self._queue.remove(waiting)
                heapq.heapify(self._queue)
                self._grant()
            raise

    def force(self, owner: Hashable, need: Room) -> None:
        """Take room whether there is some or not: for a process that runs already."""
        self._hold(owner, need.at_most(self.capacity))

    def pause(self, owner: Hashable) -> None:
        """Give back what the owner holds, until `resume`. Nothing happens if it holds nothing."""
        if (held := self._held.pop(owner, None)) is not None:
            self._lent[owner] = held
            self._free += held
            self._grant()

    def resume(self, owner: Hashable) -> None:
        """Take back what was given back by `pause`. Nothing happens if nothing was."""
        if (lent := self._lent.pop(owner, None)) is not None:
            self._hold(owner, lent)

    def release(self, owner: Hashable) -> None:
        """Give everything back for good."""
        self._lent.pop(owner, None)
        if (held := self._held.pop(owner, None)) is not None:
            self._free += held
            self._grant()

    def _hold(self, owner: Hashable, need: Room) -> None:
        self._held[owner] = need
        self._free -= need

    def _grant(self) -> None:
        while self._queue and self._queue[0].need.within(self._free):
            waiting = heapq.heappop(self._queue)
            if not waiting.granted.done():
                self._hold(waiting.owner, waiting.need)
                waiting.granted.set_result(None)
