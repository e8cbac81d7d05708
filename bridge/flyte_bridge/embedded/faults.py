"""What the backend refuses, and the status code that says so: one total table.

Services and the engine raise a `Fault`; `rpc` turns it into the wire's status. A `StoreError` (disk full, damaged
database) becomes `RESOURCE_EXHAUSTED` or `DATA_LOSS`; anything else is a defect of ours and becomes `INTERNAL`.
"""

from __future__ import annotations

from connectrpc.code import Code
from connectrpc.errors import ConnectError

from ..errors import BackendError, BadObjectName, NoSuchObject, StoreError, StoreFull


class Fault(BackendError):
    """The root of what the embedded backend refuses on purpose; the message says what to do next."""


class InvalidRequest(Fault):
    """Raised when a request can never be right: a bad name, a missing field, a value of the wrong type."""


class NotFound(Fault):
    """Raised when what the request names is not there."""


class AlreadyExists(Fault):
    """Raised when what the request would make is there already."""


class NotNow(Fault):
    """Raised when the thing is there, but in a state that does not allow it."""


class NotSupported(Fault):
    """Raised when the embedded backend cannot do it, ever or yet; the message says which and what else to do."""


class RunEnded(Fault):
    """Raised when work is given to a run or a parent that has ended; the SDK stops its controller on this status."""


class Stopping(Fault):
    """Raised when the backend is about to stop; the SDK comes back for the rest."""


class Unauthenticated(Fault):
    """Raised when the caller's identity is asked for and nothing tells it."""


CODES: dict[type[Fault], Code] = {
    InvalidRequest: Code.INVALID_ARGUMENT,
    NotFound: Code.NOT_FOUND,
    AlreadyExists: Code.ALREADY_EXISTS,
    NotNow: Code.FAILED_PRECONDITION,
    RunEnded: Code.ABORTED,
    Stopping: Code.UNAVAILABLE,
    NotSupported: Code.UNIMPLEMENTED,
    Unauthenticated: Code.UNAUTHENTICATED,
}
"""Every fault's status. A test holds that no subclass is missing."""


def to_status(error: Exception) -> ConnectError:
    """The status that tells a client of `error`."""
    if isinstance(error, ConnectError):
        return error
    if isinstance(error, Fault):
        return ConnectError(CODES[type(error)], str(error))
    if isinstance(error, NoSuchObject):
        return ConnectError(Code.NOT_FOUND, str(error))
    if isinstance(error, BadObjectName):
        return ConnectError(Code.INVALID_ARGUMENT, str(error))
    if isinstance(error, StoreError):
        full = isinstance(error, StoreFull) or "full" in str(error)
        return ConnectError(Code.RESOURCE_EXHAUSTED if full else Code.DATA_LOSS, str(error))
    return ConnectError(Code.INTERNAL, f"a defect of flyte-bridge's embedded backend: {type(error).__name__}: {error}")
