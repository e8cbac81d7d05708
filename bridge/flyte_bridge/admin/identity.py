"""IdentityService: who the caller is, as the Flyte 2 behind knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.service import identity_pb2

from flyte_bridge.errors import NotFound, Unauthenticated, Unimplemented

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
        """The caller, by the token of the call; nobody where Flyte 2 has no logins.

        The Go backend without logins says UNAUTHENTICATED of everyone, where flyteadmin answers with an empty record. With
        logins that status stands: clients log in when they see it.
        """
        try:
            told = await self._backend.user_info()
        except Unauthenticated:
            if await self._has_logins():
                raise
            return identity_pb2.UserInfoResponse()
        return identity_pb2.UserInfoResponse.FromString(told.SerializeToString())

    async def _has_logins(self) -> bool:
        try:
            await self._backend.oauth2_metadata()
        except (NotFound, Unimplemented):
            return False
        return True
