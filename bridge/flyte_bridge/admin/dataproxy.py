"""DataProxyService's half that knows no executions: where to upload files, and where to download them by their URI."""

from __future__ import annotations

import secrets
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from flyteidl.service import dataproxy_pb2

from flyte_bridge.admin import expiry
from flyte_bridge.errors import InvalidRequest

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.core import Core

_SAID = "error while validating request:"

NAME_LENGTH = 20
"""Characters of a file name that we choose (flyteadmin's `defaultFileNameLength`)."""

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Letters that spell no words: what Kubernetes makes random names of, and so flyteadmin."""


class DataProxy:
    """Uploads by Flyte 2's own signed URLs, downloads by the object store's."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def create_upload_location(
        self, request: dataproxy_pb2.CreateUploadLocationRequest, _context: CallContext
    ) -> dataproxy_pb2.CreateUploadLocationResponse:
        """A signed URL to PUT one file to.

        Raises:
            InvalidRequest: Project, domain, or both root and checksum are missing, or the life is too long.
            AlreadyExists: Another file has that root and name.
        """
        if not request.project or not request.domain:
            raise InvalidRequest("project and domain are required parameters")
        if not request.filename_root and not request.content_md5:
            raise InvalidRequest("content_md5 or filename_root is a required parameter")
        told = await self._core.backend.create_upload_location(
            project=request.project,
            domain=request.domain,
            filename=request.filename or "".join(secrets.choice(_ALPHABET) for _ in range(NAME_LENGTH)),
            filename_root=request.filename_root,
            content_md5=request.content_md5,
            expires_in=expiry.for_upload(request.expires_in if request.HasField("expires_in") else None),
            add_content_md5_metadata=request.add_content_md5_metadata,
        )
        return dataproxy_pb2.CreateUploadLocationResponse.FromString(told.SerializeToString())

    async def create_download_location(
        self, request: dataproxy_pb2.CreateDownloadLocationRequest, _context: CallContext
    ) -> dataproxy_pb2.CreateDownloadLocationResponse:
        """A signed URL to GET an object from, by its URI.

        Flyte 2 has no such RPC, so it is signed with the bridge's own access to the object store.

        Raises:
            InvalidRequest: The URI is none of an object store's, or the life is too long.
            Unimplemented: The object store signs no URLs, or the bridge has no access to it.
        """
        life = expiry.checked(request.expires_in if request.HasField("expires_in") else None, _SAID)
        url = await self._core.storage.sign(request.native_url, life)
        reply = dataproxy_pb2.CreateDownloadLocationResponse(signed_url=url)
        reply.expires_at.FromDatetime(datetime.now(timezone.utc) + life)
        return reply
