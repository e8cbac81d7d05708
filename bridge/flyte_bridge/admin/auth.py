"""AuthMetadataService: how to log in, as the Flyte 2 behind says it.

Clients with a secret, a command or a device code ask this before their first call, whether or not anybody wants to know
who they are; a browser login (PKCE) only after UNAUTHENTICATED.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flyteidl.service import auth_pb2

from flyte_bridge.embedded_client import TOKEN
from flyte_bridge.embedded_client.directory_lock import described
from flyte_bridge.errors import Unimplemented

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

_NOBODY = auth_pb2.PublicClientAuthConfigResponse(
    client_id="flyte-bridge",
    redirect_uri="http://localhost:53593/callback",  # flyteadmin's own default
    scopes=["all"],
    authorization_metadata_key="authorization",
)
"""What clients are told that must log in somewhere before they call, when the Flyte 2 behind asks nobody who they are:
enough for those that have a token already, or a command that prints one."""


class Auth:
    """The metadata of the Flyte 2 behind, passed on; the two versions' messages have the same fields."""

    def __init__(self, core: Core) -> None:
        self._backend = core.backend
        self._settings = core.settings

    async def get_oauth2_metadata(
        self, _request: auth_pb2.OAuth2MetadataRequest, _context: CallContext
    ) -> auth_pb2.OAuth2MetadataResponse:
        """Where tokens are to be had; of a Flyte 2 that needs none, only the embedded one names an endpoint for them."""
        try:
            told = await self._backend.oauth2_metadata()
        except Unimplemented:
            return await self._unneeded()
        return auth_pb2.OAuth2MetadataResponse.FromString(told.SerializeToString())

    async def _unneeded(self) -> auth_pb2.OAuth2MetadataResponse:
        if not self._settings.embedded:
            return auth_pb2.OAuth2MetadataResponse()
        running = await asyncio.to_thread(described, self._settings.data_dir)
        if running is None:
            return auth_pb2.OAuth2MetadataResponse()
        return auth_pb2.OAuth2MetadataResponse(
            issuer=running.url,
            token_endpoint=running.url + TOKEN,
            scopes_supported=list(_NOBODY.scopes),
            grant_types_supported=["client_credentials"],
            token_endpoint_auth_methods_supported=["client_secret_basic"],
        )

    async def get_public_client_config(
        self, _request: auth_pb2.PublicClientAuthConfigRequest, _context: CallContext
    ) -> auth_pb2.PublicClientAuthConfigResponse:
        """What a client without a secret logs in as, and which metadata key carries its token."""
        try:
            told = await self._backend.public_client_config()
        except Unimplemented:
            return _NOBODY
        passed = auth_pb2.PublicClientAuthConfigResponse.FromString(told.SerializeToString())
        passed.DiscardUnknownFields()  # Flyte 2's `dataplane_domain`, which Flyte 1 has not
        # the façade reads tokens from the keys in `context.AUTHORIZATION_KEYS`
        passed.authorization_metadata_key = passed.authorization_metadata_key or "authorization"
        return passed
