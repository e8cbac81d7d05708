"""Remembered results: how the engine uses the cache."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from flyteidl2.cacheservice import cacheservice_pb2
from flyteidl2.common import cache_pb2
from flyteidl2.core import identifier_pb2

from flyte_bridge.backend.moments import to_timestamp
from flyte_bridge.embedded.cache import CacheScope
from flyte_bridge.errors import BackendError, NoSuchObject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyteidl2.core import tasks_pb2

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.embedded.cache import Cache
    from flyte_bridge.embedded.clock import Clock
    from flyte_bridge.embedded.inputs import Objects

_SOURCE = "flyte-bridge/source-attempt"
_log = logging.getLogger("flyte_bridge.embedded.cached_results")


class Memo:
    """Looks results up, keeps them, and lets only one at a time compute one that is cached serially."""

    def __init__(self, cache: Cache, objects: Objects, clock: Clock) -> None:
        self._cache = cache
        self._objects = objects
        self._clock = clock
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def recall(
        self, asker: ActionKey, key: str, prefix: str, *, max_age: int, anywhere: bool
    ) -> cache_pb2.CacheMetadata | None:
        """Copies a remembered result to an action's own prefix.

        Args:
            asker: The action; its project and domain are where is looked.
            key: The full key.
            prefix: Where its `outputs.pb` goes.
            max_age: Microseconds after which a result is too old; 0 for never.
            anywhere: Look in all projects and domains.

        Returns:
            Whose result it was; None if nothing usable is remembered.
        """
        entry = self._cache.find(None if anywhere else CacheScope(asker.project, asker.domain), key)
        if entry is None or (max_age and self._clock.now() - entry.updated_at > max_age):
            return None
        output = cacheservice_pb2.CachedOutput.FromString(entry.output)
        try:
            if output.WhichOneof("output") == "output_literals":
                data = output.output_literals.SerializeToString()  # `LiteralMap` has the bytes of `Outputs`
            else:
                uri = output.output_uri
                data = self._objects.read(uri if uri.endswith(".pb") else f"{uri.rstrip('/')}/outputs.pb")
            self._objects.write(f"{prefix}/outputs.pb", data)
        except NoSuchObject:
            _log.info("%s: the cached %s is not there any more", asker, output.output_uri)
            return None
        hit = cache_pb2.CacheMetadata()
        source = output.metadata.key_map.values.get(_SOURCE, "")
        if source:
            attempt = hit.source_action_attempt
            run = attempt.action_id.run
            run.project, run.domain, run.name, attempt.action_id.name, number = source.split("/")
            attempt.attempt = int(number)
        return hit

    def keep(self, action: ActionKey, attempt: int, key: str, prefix: str, template: tasks_pb2.TaskTemplate) -> bool:
        """Remembers an attempt's outputs; False if that failed, which fails nothing else."""
        now = to_timestamp(self._clock.now())
        output = cacheservice_pb2.CachedOutput(output_uri=f"{prefix}/outputs.pb")
        output.metadata.source_identifier.CopyFrom(
            identifier_pb2.Identifier(
                resource_type=identifier_pb2.TASK,
                project=template.id.project,
                domain=template.id.domain,
                name=template.id.name,
                version=template.id.version,
            )
        )
        output.metadata.created_at.CopyFrom(now)
        output.metadata.last_updated_at.CopyFrom(now)
        output.metadata.key_map.values[_SOURCE] = (
            f"{action.project}/{action.domain}/{action.run}/{action.name}/{attempt}"
        )
        try:
            self._cache.put(CacheScope(action.project, action.domain), key, output.SerializeToString(), overwrite=True)
        except BackendError:
            _log.warning("%s: its outputs are not cached", action, exc_info=True)
            return False
        return True

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[None]:
        """Waits until nobody else computes `key`; an empty key waits for nothing."""
        if not key:
            yield
            return
        lock = self._turns[key]
        try:
            async with lock:
                yield
        finally:
            # a lock somebody waits for looks unlocked for a moment, so ask for its waiters
            if not lock.locked() and not getattr(lock, "_waiters", None):
                self._turns.pop(key, None)
