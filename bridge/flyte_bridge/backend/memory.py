"""Remembered results, for those who remember more than single actions: the cache's own service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.cacheservice import cacheservice_pb2
from flyteidl2.cacheservice.v2 import cacheservice_pb2 as cacheservice_v2_pb2

from flyte_bridge.errors import NotFound

if TYPE_CHECKING:
    from flyte_bridge.backend.caller import Caller

CACHE = "/flyteidl2.cacheservice.v2.CacheService"


class MemoryVerbs:
    """The cache, by key within a project and domain."""

    caller: Caller

    async def recall(self, *, where: cacheservice_v2_pb2.Identifier, key: str) -> cacheservice_pb2.CachedOutput | None:
        """What is remembered under a key; None if nothing is."""
        base = cacheservice_pb2.GetCacheRequest(key=key)
        request = cacheservice_v2_pb2.GetCacheRequest(base_request=base, identifier=where)
        try:
            reply = await self.caller.unary(f"{CACHE}/Get", request, cacheservice_pb2.GetCacheResponse)
        except NotFound:
            return None
        return reply.output

    async def remember(
        self, *, where: cacheservice_v2_pb2.Identifier, key: str, output: cacheservice_pb2.CachedOutput
    ) -> None:
        """Remembers a result, instead of what was remembered before."""
        base = cacheservice_pb2.PutCacheRequest(
            key=key, output=output, overwrite=cacheservice_pb2.OverwriteOutput(overwrite=True)
        )
        request = cacheservice_v2_pb2.PutCacheRequest(base_request=base, identifier=where)
        await self.caller.unary(f"{CACHE}/Put", request, cacheservice_pb2.PutCacheResponse)

    async def reserve(
        self, *, where: cacheservice_v2_pb2.Identifier, key: str, owner: str, heartbeat: float
    ) -> cacheservice_pb2.Reservation:
        """Takes, or keeps, the right to compute what a key stands for; the answer names who has it.

        Args:
            where: Project and domain.
            key: The key.
            owner: Who asks.
            heartbeat: Seconds between two signs of life; after some of them without one the right is free.
        """
        base = cacheservice_pb2.GetOrExtendReservationRequest(key=key, owner_id=owner)
        base.heartbeat_interval.FromNanoseconds(round(heartbeat * 1e9))
        request = cacheservice_v2_pb2.GetOrExtendReservationRequest(base_request=base, identifier=where)
        reply = await self.caller.unary(
            f"{CACHE}/GetOrExtendReservation", request, cacheservice_pb2.GetOrExtendReservationResponse
        )
        return reply.reservation

    async def release(self, *, where: cacheservice_v2_pb2.Identifier, key: str, owner: str) -> None:
        """Gives the right back."""
        base = cacheservice_pb2.ReleaseReservationRequest(key=key, owner_id=owner)
        request = cacheservice_v2_pb2.ReleaseReservationRequest(base_request=base, identifier=where)
        await self.caller.unary(f"{CACHE}/ReleaseReservation", request, cacheservice_pb2.ReleaseReservationResponse)
