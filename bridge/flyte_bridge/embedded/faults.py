"""What the backend refuses, and the status code that says so.

Services and the engine raise the bridge's own status errors, which a caller in this process gets as they are; `rpc`
turns them into the wire's status. A `StoreError` (disk full, damaged database) becomes `RESOURCE_EXHAUSTED` or
`DATA_LOSS`; anything else is a defect of ours and becomes `INTERNAL`.
"""

from __future__ import annotations

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from flyte_bridge.errors import (
    Aborted,
    AlreadyExists,
    BadObjectName,
    FailedPrecondition,
    InvalidRequest,
    NoSuchObject,
    NotFound,
    StatusError,
    StoreError,
    StoreFull,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    is_out_of_range,
)

__all__ = [
    "AlreadyExists",
    "Fault",
    "InvalidRequest",
    "NotFound",
    "NotNow",
    "NotSupported",
    "RunEnded",
    "Stopping",
    "Unauthenticated",
    "to_status",
]

Fault = StatusError
"""The root of what the embedded backend refuses on purpose; the message says what to do next."""

NotNow = FailedPrecondition
"""Raised when the thing is there, but in a state that does not allow it."""

NotSupported = Unimplemented
"""Raised when the embedded backend cannot do it, ever or yet; the message says which and what else to do."""


class RunEnded(Aborted):
    """Raised when work is given to a run or a parent that has ended; the SDK stops its controller on this status."""


class Stopping(Unavailable):
    """Raised when the backend is about to stop; the SDK comes back for the rest."""


def to_status(error: Exception) -> ConnectError:
    """The status that tells a client of `error`."""
    if isinstance(error, ConnectError):
        return error
    if isinstance(error, StatusError):
        return ConnectError(Code[error.code], str(error))
    if isinstance(error, NoSuchObject):
        return ConnectError(Code.NOT_FOUND, str(error))
    if isinstance(error, BadObjectName):
        return ConnectError(Code.INVALID_ARGUMENT, str(error))
    if isinstance(error, StoreError):
        full = isinstance(error, StoreFull) or "full" in str(error)
        return ConnectError(Code.RESOURCE_EXHAUSTED if full else Code.DATA_LOSS, str(error))
    if is_out_of_range(error):
        return ConnectError(
            Code.INVALID_ARGUMENT, f"a number, duration or time of the request is out of range: {error}"
        )
    return ConnectError(Code.INTERNAL, f"a defect of flyte-bridge's embedded backend: {type(error).__name__}: {error}")
