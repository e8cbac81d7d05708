"""CacheService v2: the task cache from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.cacheservice import cacheservice_pb2 as base
from google.protobuf.duration_pb2 import Duration

from flyte_bridge.backend.moments import to_timestamp
from flyte_bridge.embedded.cache import CacheScope
from flyte_bridge.embedded.faults import InvalidRequest

if TYPE_CHECKING:
    from flyteidl2.cacheservice.v2 import cacheservice_pb2 as pb

    from flyte_bridge.embedded.cache import Cache

_HEARTBEAT = 10_000_000
"""Microseconds between an owner's signs of life, where it names none."""


class CacheService:
    """Cached outputs and reservations, by project and domain."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def get(self, request: pb.GetCacheRequest, _ctx: Any) -> base.GetCacheResponse:
        """An entry; NOT_FOUND if there is none."""
        entry = self._cache.get(_scope(request.identifier), _key(request.base_request.key))
        return base.GetCacheResponse(output=base.CachedOutput.FromString(entry.output))

    async def put(self, request: pb.PutCacheRequest, _ctx: Any) -> base.PutCacheResponse:
        """Adds an entry; ALREADY_EXISTS if there is one and it is not to be overwritten."""
        scope, key = _scope(request.identifier), _key(request.base_request.key)
        output, overwrite = request.base_request.output, request.base_request.overwrite
        if output.WhichOneof("output") is None:
            raise InvalidRequest("the output has neither a URI nor literals")
        replace = overwrite.overwrite
        there = self._cache.find(scope, key)
        if there is not None and not replace and overwrite.HasField("max_age"):
            age = self._cache.clock.now() - there.updated_at
            replace = age > overwrite.max_age.ToMicroseconds()
        self._cache.put(scope, key, output.SerializeToString(), overwrite=replace)
        return base.PutCacheResponse()

    async def delete(self, request: pb.DeleteCacheRequest, _ctx: Any) -> base.DeleteCacheResponse:
        """Removes an entry; NOT_FOUND if there is none."""
        self._cache.delete(_scope(request.identifier), _key(request.base_request.key))
        return base.DeleteCacheResponse()

    async def get_or_extend_reservation(
        self, request: pb.GetOrExtendReservationRequest, _ctx: Any
    ) -> base.GetOrExtendReservationResponse:
        """Takes or keeps the right to compute a key; the answer names who has it."""
        asked = request.base_request
        if not asked.owner_id:
            raise InvalidRequest("a reservation needs an owner_id")
        heartbeat = asked.heartbeat_interval.ToMicroseconds() or _HEARTBEAT
        got = self._cache.reserve(_scope(request.identifier), _key(asked.key), asked.owner_id, heartbeat)
        interval = Duration()
        interval.FromMicroseconds(got.heartbeat)
        reservation = base.Reservation(
            key=got.key, owner_id=got.owner, heartbeat_interval=interval, expires_at=to_timestamp(got.expires_at)
        )
        return base.GetOrExtendReservationResponse(reservation=reservation)

    async def release_reservation(
        self, request: pb.ReleaseReservationRequest, _ctx: Any
    ) -> base.ReleaseReservationResponse:
        """Gives the right back."""
        asked = request.base_request
        self._cache.release(_scope(request.identifier), _key(asked.key), asked.owner_id)
        return base.ReleaseReservationResponse()


def _scope(identifier: pb.Identifier) -> CacheScope:
    return CacheScope(identifier.project, identifier.domain)


def _key(key: str) -> str:
    if not key:
        raise InvalidRequest("the cache key is empty")
    return key
