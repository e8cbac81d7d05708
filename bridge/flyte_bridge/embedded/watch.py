"""Who wants to know what: subscriptions to actions, fed after each commit.

The order that never misses and never repeats: subscribe, *then* read the snapshot, then take from the subscription what
is newer than the snapshot (`ActionRecord.version` is the log's sequence number, so "newer" is a comparison).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from flyte_bridge.embedded.faults import Stopping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Iterator

    from flyte_bridge.backend.keys import ActionKey, RunKey
    from flyte_bridge.embedded.model import ActionRecord


def of_action(key: ActionKey) -> Hashable:
    """The topic of one action's changes."""
    return ("action", key)


def of_children(key: ActionKey) -> Hashable:
    """The topic of the changes of an action's direct children."""
    return ("children", key)


def of_run(key: RunKey) -> Hashable:
    """The topic of the changes of a run's actions."""
    return ("run", key)


RUNS: Hashable = ("runs",)
"""The topic of all roots' changes."""

ALL: Hashable = ("all",)
"""The topic of every change."""


class Subscription:
    """A queue of records, each as it stood after one change."""

    def __init__(self) -> None:
        self._queue: deque[ActionRecord] = deque()
        self._filled = asyncio.Event()
        self._closed = False
        self._seen: dict[int, int] = {}

    def seen(self, record: ActionRecord) -> None:
        """Marks a record of the snapshot as told, so that its like is not told again."""
        self._seen[record.id] = max(record.version, self._seen.get(record.id, 0))

    def put(self, record: ActionRecord) -> None:
        """Adds a change; the hub calls it."""
        self._queue.append(record)
        self._filled.set()

    def close(self) -> None:
        """Has `next` raise once the queue is empty; the hub calls it."""
        self._closed = True
        self._filled.set()

    async def next(self) -> ActionRecord:
        """The next change nobody has told yet.

        Raises:
            Stopping: The backend stops.
        """
        while True:
            while self._queue:
                record = self._queue.popleft()
                if record.version > self._seen.get(record.id, 0):
                    self._seen[record.id] = record.version
                    return record
            if self._closed:
                raise Stopping("the backend is stopping; come back")
            self._filled.clear()
            await self._filled.wait()

    async def batch(self, limit: int = 1000) -> list[ActionRecord]:
        """At least one change, and what else is there already."""
        records = [await self.next()]
        while self._queue and len(records) < limit:
            record = self._queue.popleft()
            if record.version > self._seen.get(record.id, 0):
                self._seen[record.id] = record.version
                records.append(record)
        return records

    async def __aiter__(self) -> AsyncIterator[ActionRecord]:
        while True:
            yield await self.next()


class Hub:
    """Hands each changed record to those who asked for it."""

    def __init__(self) -> None:
        self._topics: dict[Hashable, set[Subscription]] = defaultdict(set)
        self._listeners: list[Callable[[ActionRecord], None]] = []
        self._closed = False

    def listen(self, call: Callable[[ActionRecord], None]) -> None:
        """Has `call` made for every change, before the subscribers learn of it."""
        self._listeners.append(call)

    @property
    def watchers(self) -> int:
        """How many subscriptions are open."""
        return sum(len(subscriptions) for subscriptions in self._topics.values())

    @contextmanager
    def subscribe(self, topic: Hashable) -> Iterator[Subscription]:
        """A subscription that ends with the block."""
        subscription = Subscription()
        if self._closed:
            subscription.close()
        self._topics[topic].add(subscription)
        try:
            yield subscription
        finally:
            self._topics[topic].discard(subscription)
            if not self._topics[topic]:
                del self._topics[topic]

    def close(self) -> None:
        """Ends all subscriptions, those to come too."""
        self._closed = True
        for subscriptions in self._topics.values():
            for subscription in subscriptions:
                subscription.close()

    def publish(self, record: ActionRecord) -> None:
        """Tells of a change that is committed."""
        for listener in self._listeners:
            listener(record)
        topics = [of_action(record.key), of_run(record.key.run_key), ALL]
        if record.parent is None:
            topics.append(RUNS)
        else:
            topics.append(of_children(record.key.sibling(record.parent)))
        for topic in topics:
            for subscription in self._topics.get(topic, ()):
                subscription.put(record)
