"""S3's errors: codes, statuses and the XML they travel in.

Source: the S3 API reference, "Error responses"; `InsufficientStorage` is ours (S3 is never full) with 503, upon which
S3's clients try again: HTTP's own 507 would end a task that could have waited for room.
"""

from __future__ import annotations

from flyte_bridge.embedded.objects import xml
from flyte_bridge.errors import BadDigest, BadObjectName, BridgeError, NoSuchObject, StoreError, StoreFull

STATUS = {
    "AccessDenied": 403,
    "BadDigest": 400,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "EntityTooLarge": 400,
    "EntityTooSmall": 400,
    "IncompleteBody": 400,
    "InsufficientStorage": 503,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidArgument": 400,
    "InvalidBucketName": 400,
    "InvalidDigest": 400,
    "InvalidPart": 400,
    "InvalidPartOrder": 400,
    "InvalidRange": 416,
    "InvalidRequest": 400,
    "InvalidURI": 400,
    "KeyTooLongError": 400,
    "MalformedXML": 400,
    "MethodNotAllowed": 405,
    "NoSuchBucket": 404,
    "NoSuchKey": 404,
    "NoSuchUpload": 404,
    "NotImplemented": 501,
    "PreconditionFailed": 412,
    "RequestTimeTooSkewed": 403,
    "SignatureDoesNotMatch": 403,
    "XAmzContentSHA256Mismatch": 400,
}


class S3Fault(Exception):
    """An error as S3 answers it.

    Attributes:
        code: S3's code, a key of `STATUS`.
        message: What happened and what to do next.
        headers: What else to answer with.
    """

    def __init__(self, code: str, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.headers = headers

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return STATUS[self.code]

    def document(self, resource: str) -> bytes:
        """Return the XML body of the answer."""
        return xml.document("Error", [("Code", self.code), ("Message", self.message), ("Resource", resource)])


def fault_of(error: BridgeError) -> S3Fault:
    """Return S3's name for one of our errors."""
    if isinstance(error, NoSuchObject):
        bucket = not error.name.removeprefix("s3://").partition("/")[1]
        return S3Fault("NoSuchBucket" if bucket else "NoSuchKey", str(error))
    if isinstance(error, BadObjectName):
        return S3Fault("KeyTooLongError" if "bytes" in str(error) else "InvalidArgument", str(error))
    if isinstance(error, BadDigest):
        return S3Fault("BadDigest", str(error))
    if isinstance(error, StoreFull):
        return S3Fault("InsufficientStorage", str(error))
    if isinstance(error, StoreError):
        return S3Fault("InternalError", str(error))
    return S3Fault("InternalError", f"{type(error).__name__}: {error}")
