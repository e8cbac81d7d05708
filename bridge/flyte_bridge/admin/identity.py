"""IdentityService: who the caller is, as the Flyte 2 behind knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.service import identity_pb2

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core


class Identity:
    """Whoami; the two versions' messages have the same fields."""

    def __init__(self, core: Core) -> None:
        self._backend = core.backend

    async def user_info(
        self, _request: identity_pb2.UserInfoRequest, _context: CallContext
    ) -> identity_pb2.UserInfoResponse:
        """The caller, by the token of the call."""
        told = await self._backend.user_info()
        return identity_pb2.UserInfoResponse.FromString(told.SerializeToString())
