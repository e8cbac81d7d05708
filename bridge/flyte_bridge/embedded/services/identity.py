"""IdentityService: who is asking. There is no login on one's own machine: it is the user who runs the backend."""

from __future__ import annotations

import getpass
import os
import pwd
from functools import cache
from typing import Any

from flyteidl2.auth import identity_pb2 as pb


@cache
def local_user() -> str:
    """The name of the user this process runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return str(os.getuid())


def subject_of(_ctx: Any) -> str:
    """The subject of a call. All calls come from this machine, so all are the local user's."""
    return local_user()


class IdentityService:
    """Whoami."""

    async def user_info(self, _request: pb.UserInfoRequest, ctx: Any) -> pb.UserInfoResponse:
        """The local user."""
        subject = subject_of(ctx)
        try:
            name = pwd.getpwnam(subject).pw_gecos.partition(",")[0]
        except KeyError:
            name = ""
        return pb.UserInfoResponse(subject=subject, name=name or subject, preferred_username=subject)
