"""The S3 endpoint: what boto3, s3fs and obstore speak, path style, over an `ObjectStore`.

Which operation a request means is S3's own puzzle of method and query parameters; `_OPERATIONS` solves it, and what is
not in it is refused by name. Requests are signed with the installation's keys (`signature`). Every error is S3's XML.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyte_bridge.backend.moments import to_datetime
from flyte_bridge.embedded.clock import Clock, SystemClock
from flyte_bridge.embedded.objects import bucket_operations, http, keys, multipart_operations, object_operations, xml
from flyte_bridge.embedded.objects.faults import S3Fault, fault_of
from flyte_bridge.embedded.objects.multipart import Uploads
from flyte_bridge.errors import BadObjectName, BridgeError, NoSuchObject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flyte_bridge.embedded.objects.http import HttpRequest, Receive, Scope, Send
    from flyte_bridge.embedded.objects.signature import Verifier
    from flyte_bridge.embedded.objects.store import ObjectStore

_LOG = logging.getLogger(__name__)


@dataclass
class Call:
    """One request to the endpoint.

    Attributes:
        request: The HTTP request.
        send: How to answer it.
        store: The objects.
        uploads: The multipart uploads.
        bucket: The bucket it names, maybe none.
        key: The key it names, maybe none.
    """

    request: HttpRequest
    send: Send
    store: ObjectStore
    uploads: Uploads
    bucket: str = ""
    key: str = ""

    @property
    def uri(self) -> str:
        """The URI of the object it names."""
        return f"s3://{self.bucket}/{self.key}"

    async def answer(self, status: int, document: bytes = b"", headers: list[tuple[str, str]] | None = None) -> None:
        """Answer with a document, or with none."""
        more = [xml.CONTENT_TYPE] if document else []
        await http.answer(self.send, status, document, [*more, *(headers or [])])


# (level, method, the parameter that tells it from others) → operation. Level: the service, a bucket, an object.
_OPERATIONS: dict[tuple[str, str, str], Callable[[Call], Awaitable[None]]] = {
    ("service", "GET", ""): bucket_operations.list_buckets,
    ("bucket", "PUT", ""): bucket_operations.create,
    ("bucket", "HEAD", ""): bucket_operations.head,
    ("bucket", "DELETE", ""): bucket_operations.delete,
    ("bucket", "GET", ""): bucket_operations.list_objects,
    ("bucket", "HEAD", "location"): bucket_operations.head,
    ("bucket", "GET", "location"): bucket_operations.location,
    ("bucket", "GET", "versioning"): bucket_operations.versioning,
    ("bucket", "GET", "uploads"): multipart_operations.list_uploads,
    ("bucket", "POST", "delete"): object_operations.delete_many,
    ("object", "GET", ""): object_operations.get,
    ("object", "HEAD", ""): object_operations.get,
    ("object", "PUT", ""): object_operations.put,
    ("object", "DELETE", ""): object_operations.delete,
    ("object", "POST", "uploads"): multipart_operations.begin,
    ("object", "PUT", "uploadId"): multipart_operations.put,
    ("object", "POST", "uploadId"): multipart_operations.complete,
    ("object", "DELETE", "uploadId"): multipart_operations.abort,
    ("object", "GET", "uploadId"): multipart_operations.list_parts,
}

# Parameters that make a request another operation. Those without an entry above are S3's, and not ours.
# fmt: off
_SUBRESOURCES = {
    "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
    "inventory", "legal-hold", "lifecycle", "location", "logging", "metrics", "notification", "object-lock",
    "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock", "replication", "requestPayment",
    "restore", "retention", "select", "session", "tagging", "torrent", "uploadId", "uploads", "versionId",
    "versioning", "versions", "website",
}
# fmt: on
_ALONGSIDE = {"partNumber"}
"""Belongs to `uploadId`; alone it asks for one part of an object, which we no longer know."""


@dataclass
class S3App:
    """The endpoint as an ASGI application.

    Args:
        store: The objects.
        verifier: Whose requests are answered; `None` answers everybody's.
        clock: For what signatures say of time.
    """

    store: ObjectStore
    verifier: Verifier | None
    clock: Clock = field(default_factory=SystemClock)
    _uploads: Uploads = field(init=False)

    def __post_init__(self) -> None:
        self._uploads = Uploads(self.store)

    def claims(self, scope: Scope) -> bool:
        """Tell whether a request is for S3: it is signed as such, or its path begins with one of our buckets."""
        if any(name == b"authorization" and value.startswith(b"AWS4-") for name, value in scope["headers"]):
            return True
        if b"X-Amz-Signature=" in scope["query_string"] or b"AWSAccessKeyId=" in scope["query_string"]:
            return True
        first = scope["path"].lstrip("/").partition("/")[0]
        return bool(first) and self.store.has_bucket(first)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = Call(http.HttpRequest.of(scope, receive), send, self.store, self._uploads)
        try:
            try:
                operation = self._route(call)
                await operation(call)
            except BridgeError as error:
                raise fault_of(error) from error
        except http.ClientGone:
            return
        except S3Fault as fault:
            await refuse(call.request, send, fault)
        except OSError as error:
            _LOG.warning("%s %s: %s", call.request.method, call.uri, error)
            await refuse(call.request, send, S3Fault("InternalError", f"{error.strerror or error}"))

    def _route(self, call: Call) -> Callable[[Call], Awaitable[None]]:
        request = call.request
        if self.verifier is not None:
            self.verifier.check(request, to_datetime(self.clock.now()))
        try:
            path = http.unquote_path(request.path)
        except UnicodeDecodeError as error:
            raise S3Fault("InvalidURI", "the path is not UTF-8") from error
        call.bucket, _, call.key = path.removeprefix("/").partition("/")
        level = "object" if call.key else "bucket" if call.bucket else "service"
        if call.bucket:
            try:
                keys.check_bucket(call.bucket)
            except BadObjectName as error:
                raise S3Fault("InvalidBucketName", str(error)) from error
        if level == "object" and not self.store.has_bucket(call.bucket):
            raise NoSuchObject(f"s3://{call.bucket}")
        asked = _SUBRESOURCES & request.query.keys()
        if request.query.get("versionId") == "null":  # what S3 calls the one version of a bucket without versions
            asked -= {"versionId"}
        if "uploadId" in asked:
            asked -= _ALONGSIDE
        what = asked.pop() if len(asked) == 1 else "" if not asked else "&".join(sorted(asked))
        try:
            return _OPERATIONS[level, request.method, what]
        except KeyError:
            operation = f"{request.method} of {'the ' if level == 'service' else 'a '}{level}"
            if what:
                raise S3Fault(
                    "NotImplemented", f"{operation} with {what}: the embedded store has no such thing"
                ) from None
            raise S3Fault("MethodNotAllowed", f"{operation}: S3 has no such operation") from None


async def refuse(request: HttpRequest, send: Send, fault: S3Fault) -> None:
    """Answer with an error, once the client has said all it has to say."""
    try:
        await request.drain()
    except http.ClientGone:
        return
    document = b"" if request.method == "HEAD" else fault.document(request.path.decode("latin-1"))
    await http.answer(send, fault.status, document, [*([xml.CONTENT_TYPE] if document else []), *fault.headers])
