"""Signed URLs: an upload or a download of one object, for a while, to whoever holds the URL.

`<base>/_data/<bucket>/<key>?method=…&expires=…[&md5=…][&type=…]&signature=…`: the signature (HMAC-SHA256) covers all
of it but the base, so nothing can be changed. Its key is kept beside the objects, for the owner only, so that URLs
outlive a restart. A client that presents a URL behind its time gets S3's own words, which the SDK looks for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from flyte_bridge.embedded.clock import Clock, SystemClock
from flyte_bridge.embedded.objects import http, object_operations, transfer
from flyte_bridge.embedded.objects.faults import S3Fault, fault_of
from flyte_bridge.embedded.objects.s3 import refuse
from flyte_bridge.embedded.objects.writer import store_error
from flyte_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.objects.http import HttpRequest, Receive, Scope, Send
    from flyte_bridge.embedded.objects.store import ObjectStore

SEGMENT = "_data"
"""The first segment of every signed URL's path; not a possible bucket name."""

_SECOND = 1_000_000


class Signer:
    """Makes signed URLs, and knows its own.

    Args:
        store: The objects the URLs are for.

    Raises:
        StoreError: The signing key can be neither read nor made.
    """

    def __init__(self, store: ObjectStore) -> None:
        path = store.root / ".signing-key"
        try:
            if not path.exists():
                new = path.with_name(f"{path.name}.new")
                new.unlink(missing_ok=True)
                descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(secrets.token_bytes(32))
                new.replace(path)
            self._key = path.read_bytes()
        except OSError as error:
            raise store_error(error, str(path)) from error

    def url(
        self, base: str, method: str, uri: str, expires_at: Micros, *, md5: bytes = b"", content_type: str = ""
    ) -> str:
        """Return a URL for one object.

        Args:
            base: `http://host:port`.
            method: `GET` (HEAD is allowed with it) or `PUT`.
            uri: The object.
            expires_at: When it ends; cut to seconds.
            md5: The digest an upload has to have; empty for any.
            content_type: What a download is answered with; empty for what was stored.
        """
        query = {"method": method, "expires": str(expires_at // _SECOND)}
        if md5:
            query["md5"] = base64.b64encode(md5).decode("ascii")
        if content_type:
            query["type"] = content_type
        query["signature"] = self.signature(uri, query)
        return f"{base}/{SEGMENT}/{quote(uri.removeprefix('s3://'), safe='/~')}?{urlencode(query)}"

    def signature(self, uri: str, query: Mapping[str, str]) -> str:
        """Return the signature of an object's URI with a URL's parameters."""
        signed = urlencode(sorted((name, value) for name, value in query.items() if name != "signature"))
        return hmac.new(self._key, f"{uri}?{signed}".encode(), hashlib.sha256).hexdigest()


@dataclass
class SignedApp:
    """What answers signed URLs, as an ASGI application.

    Args:
        store: The objects.
        signer: Whose URLs are good.
        clock: Tells whether one's time is over.
    """

    store: ObjectStore
    signer: Signer
    clock: Clock = field(default_factory=SystemClock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = http.HttpRequest.of(scope, receive)
        try:
            try:
                uri = self._verify(request)
                if request.method == "PUT":
                    await self._upload(request, uri, send)
                else:
                    await self._download(request, uri, send)
            except BridgeError as error:
                raise fault_of(error) from error
        except http.ClientGone:
            return
        except S3Fault as fault:
            await refuse(request, send, fault)
        except OSError as error:
            await refuse(request, send, S3Fault("InternalError", f"{error.strerror or error}"))

    def _verify(self, request: HttpRequest) -> str:
        try:
            uri = "s3://" + http.unquote_path(request.path).removeprefix(f"/{SEGMENT}/")
        except UnicodeDecodeError as error:
            raise S3Fault("InvalidURI", "the path is not UTF-8") from error
        given = request.query.get("signature", "").encode()
        if not hmac.compare_digest(self.signer.signature(uri, request.query).encode(), given):
            raise S3Fault("SignatureDoesNotMatch", "this URL was not made here, or was changed; ask for a new one")
        if request.method != request.query["method"] and (request.method, request.query["method"]) != ("HEAD", "GET"):
            raise S3Fault("MethodNotAllowed", f"this URL is for {request.query['method']}, not {request.method}")
        if self.clock.now() >= (int(request.query["expires"]) + 1) * _SECOND:
            raise S3Fault("AccessDenied", "Request has expired; ask for a new URL")
        return uri

    async def _upload(self, request: HttpRequest, uri: str, send: Send) -> None:
        promised = request.query.get("md5", "")
        said = request.headers.setdefault("content-md5", promised)
        if not said:
            del request.headers["content-md5"]
        elif promised and said != promised:
            raise S3Fault("SignatureDoesNotMatch", f"Content-MD5 is {said}, the URL is for {promised}")
        content_type, headers = object_operations.stored_headers(request.headers)
        with self.store.create(uri, content_type=content_type, headers=headers) as writer:
            await transfer.receive(request, self.store, writer)
            info = writer.commit()
        await http.answer(send, 200, headers=[("etag", f'"{info.etag}"')])

    async def _download(self, request: HttpRequest, uri: str, send: Send) -> None:
        if "type" in request.query:
            request.query["response-content-type"] = request.query["type"]
        file, info = self.store.open(uri)
        with file:
            await transfer.deliver(request, send, file, info)
