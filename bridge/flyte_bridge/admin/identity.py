"""IdentityService: who the caller is, as the Flyte 2 behind knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl.service import identity_pb2

from flyte_bridge.errors import Unauthenticated

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
        """The caller, by the token of the call; nobody where Flyte 2 lets a caller through whom it does not know.

        The Go backend says UNAUTHENTICATED of everyone whom nothing before it has named. flyteadmin without logins answers
        with an empty record, and who gets here has been let through already (`proof`).
        """
        try:
            told = await self._backend.user_info()
        except Unauthenticated:
            return identity_pb2.UserInfoResponse()
        return identity_pb2.UserInfoResponse.FromString(told.SerializeToString())
