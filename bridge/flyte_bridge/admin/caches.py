"""What the façade remembers of runs: only what cannot change any more, and only for the caller who was told it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable
    from typing import Any

    from flyte_bridge.admin.context import CallContext

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The values used last, up to a total weight; an entry heavier than all of it is not kept."""

    def __init__(self, most: int) -> None:
        """Empty.

        Args:
            most: The weight of all entries together; with the weight 1 for each, their number.
        """
        self._most = most
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: K) -> V | None:
        """The value, None if there is none (any more)."""
        found = self._held.get(key)
        if found is None:
            return None
        self._held.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep a value, and let go of those that were not used for longest."""
        self.drop(key)
        if weight > self._most:
            return
        self._held[key] = (value, weight)
        self._weight += weight
        while self._weight > self._most:
            _, (_, lighter) = self._held.popitem(last=False)
            self._weight -= lighter

    def drop(self, key: K) -> None:
        """Forget a value."""
        found = self._held.pop(key, None)
        if found is not None:
            self._weight -= found[1]


class Pending(Generic[K, V]):
    """Questions under way: who asks what is being asked already waits for that answer."""

    def __init__(self) -> None:
        """None are."""
        self._asked: dict[K, asyncio.Task[V]] = {}

    async def answer(self, key: K, ask: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The answer to a question; a caller that goes away takes it from nobody else.

        Args:
            key: What is asked, and by whom.
            ask: Asks it.
        """
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.ensure_future(ask())
            task.add_done_callback(lambda done: self._answered(key, done))
        return await asyncio.shield(task)

    def drop(self, key: K) -> None:
        """Something was changed: whoever asks from now on must not get an answer from before."""
        self._asked.pop(key, None)

    def _answered(self, key: K, done: asyncio.Task[V]) -> None:
        if self._asked.get(key) is done:
            del self._asked[key]
        if not done.cancelled():
            done.exception()  # nobody may be left to hear of it


def caller(context: CallContext) -> str:
    """Who asks, as a key: what one caller was told must not be told another, whom Flyte 2 might refuse."""
    token = context.bearer
    return hashlib.sha256(token.encode()).hexdigest()[:32] if token else ""
