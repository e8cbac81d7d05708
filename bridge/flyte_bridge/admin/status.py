"""Our errors → the gRPC statuses that tell callers of them: one total table.

flytekit treats UNKNOWN as "log in again" and opens a browser, so nothing may leave as UNKNOWN: what is not in the table
is a defect of ours and leaves as INTERNAL.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from flyte_bridge import errors

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from grpc import StatusCode

CODES: dict[type[errors.BridgeError], str] = {
    errors.BridgeError: "INTERNAL",
    errors.UsageError: "INVALID_ARGUMENT",
    errors.SourceError: "INVALID_ARGUMENT",
    errors.ConfigError: "FAILED_PRECONDITION",
    errors.NodeError: "INTERNAL",  # the driver's; it never crosses the façade
    errors.BackendError: "INTERNAL",
    errors.StatusError: "INTERNAL",
    errors.InvalidRequest: "INVALID_ARGUMENT",
    errors.NotFound: "NOT_FOUND",
    errors.AlreadyExists: "ALREADY_EXISTS",
    errors.ConcurrencyLimit: "ALREADY_EXISTS",
    errors.FailedPrecondition: "FAILED_PRECONDITION",
    errors.Unauthenticated: "UNAUTHENTICATED",
    errors.PermissionDenied: "PERMISSION_DENIED",
    errors.ResourceExhausted: "RESOURCE_EXHAUSTED",
    errors.Unimplemented: "UNIMPLEMENTED",
    errors.Aborted: "ABORTED",
    errors.DeadlineExceeded: "DEADLINE_EXCEEDED",
    errors.Unavailable: "UNAVAILABLE",
    errors.InternalError: "INTERNAL",
    errors.StoreError: "DATA_LOSS",
    errors.DirectoryInUse: "UNAVAILABLE",
    errors.StoreFull: "RESOURCE_EXHAUSTED",
    errors.ObjectError: "INTERNAL",
    errors.NoSuchObject: "NOT_FOUND",
    errors.BadObjectName: "INVALID_ARGUMENT",
    errors.BadDigest: "INVALID_ARGUMENT",
    errors.PortInUse: "UNAVAILABLE",
    errors.LaunchError: "INTERNAL",
    errors.AlreadyRunning: "ABORTED",
}
"""Every error's status; a subclass that is not here has its base's. A test holds that none is missing."""

MAX_STATUS = 6_000
"""Largest error message in bytes, as it is encoded on the wire. Clients drop a status whose headers are too large, code
and all: Java's from 8 KiB on, Python's from 16."""

ADVICE = "this is a defect; please report it with the server's log"


def code_of(error: BaseException) -> StatusCode:
    """The status code that tells a client of `error`."""
    from grpc import StatusCode  # importing grpc takes a tenth of a second; who has a StatusCode to make has it already

    for kind in type(error).__mro__:
        if kind in CODES:
            return StatusCode[CODES[kind]]
    if isinstance(error, TimeoutError | asyncio.TimeoutError):  # two classes until Python 3.11
        return StatusCode.DEADLINE_EXCEEDED
    if isinstance(error, asyncio.CancelledError):
        return StatusCode.CANCELLED
    if errors.is_out_of_range(error):
        return StatusCode.INVALID_ARGUMENT
    return StatusCode.INTERNAL


def message_of(error: BaseException) -> str:
    """What a client is told of `error`, beside the code."""
    if isinstance(error, errors.BridgeError):
        return str(error)
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return "no answer in the time that the caller gave; give it more time, or see whether Flyte 2 is overloaded"
    if isinstance(error, asyncio.CancelledError):
        return "the call was cancelled"
    if errors.is_out_of_range(error):
        return f"a number, duration or time of the request is out of range: {error}"
    return f"flyte-bridge: {type(error).__name__}: {error}; {ADVICE}"


def trailers_of(error: BaseException) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that carries an error's details, as `grpc_status` reads them; empty without details."""
    details: tuple[Message, ...] = getattr(error, "details", ())
    if not details:
        return ()
    from google.rpc import status_pb2

    rich = status_pb2.Status(code=code_of(error).value[0], message=message_of(error))
    for detail in details:
        rich.details.add().Pack(detail)
    return (("grpc-status-details-bin", rich.SerializeToString()),)


def fitting(message: str) -> str:
    """An error's message, cut in the middle if it is too long to reach every client."""
    if _encoded(message) <= MAX_STATUS:
        return message
    mark = " […] "
    low, high = 0, len(message) // 2
    while low < high:  # the longest head and tail that fit
        keep = (low + high + 1) // 2
        low, high = (keep, high) if _encoded(message[:keep] + mark + message[-keep:]) <= MAX_STATUS else (low, keep - 1)
    return message[:low] + mark + message[len(message) - low :]


def _encoded(message: str) -> int:
    """How many bytes a message takes in gRPC's percent-encoding of `grpc-message`."""
    return len(quote(message, safe="".join(map(chr, range(0x20, 0x25))) + "".join(map(chr, range(0x26, 0x7F)))))
