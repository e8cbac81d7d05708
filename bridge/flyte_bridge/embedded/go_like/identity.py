"""IdentityService, the Go backend's way: it knows who asks from what stands before it, and here nothing does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyte_bridge.embedded.services.identity import IdentityService
from flyte_bridge.errors import Unauthenticated

if TYPE_CHECKING:
    from flyteidl2.auth import identity_pb2 as pb


class GoIdentityService(IdentityService):
    """Whoami."""

    async def user_info(self, _request: pb.UserInfoRequest, ctx: Any) -> pb.UserInfoResponse:
        """Nobody."""
        raise Unauthenticated("no authenticated identity on the request")
