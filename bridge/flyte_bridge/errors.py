"""Every error that flyte-bridge raises on purpose.

```
BridgeError                 the root: catch this to catch all of ours
├── UsageError              the caller asked for something that cannot be: a bad option, a path that is not there
├── SourceError             a user's source file cannot be read, decoded, parsed or written
├── ConfigError             configuration is missing, contradictory or does not parse
├── NodeError               a node of a workflow cannot go on, for a reason that Flyte 1 has a code for
└── BackendError            the Flyte 2 behind us
    ├── StatusError         a call was answered with a gRPC status; `code` is the status's name
    │   ├── InvalidRequest      INVALID_ARGUMENT: it can never be right as it is
    │   ├── NotFound            NOT_FOUND: what it names is not there
    │   ├── AlreadyExists       ALREADY_EXISTS: what it would make is there already
    │   │   └── ConcurrencyLimit  as many executions of the launch plan are active as it allows
    │   ├── FailedPrecondition  FAILED_PRECONDITION: the thing is in a state that does not allow it
    │   ├── Unauthenticated     UNAUTHENTICATED: nobody said who calls, or the credentials have expired
    │   ├── PermissionDenied    PERMISSION_DENIED: who calls may not do that
    │   ├── ResourceExhausted   RESOURCE_EXHAUSTED: too large, too many, or no room
    │   ├── Unimplemented       UNIMPLEMENTED: nobody does it, or not this field of it
    │   ├── Aborted             ABORTED: somebody else was faster, or the run has ended
    │   ├── DeadlineExceeded    DEADLINE_EXCEEDED: no answer in time
    │   ├── Unavailable         UNAVAILABLE: it cannot be reached, or it stopped half-way
    │   └── InternalError       INTERNAL: a defect, of the other side's or ours
    ├── PortInUse           the embedded backend cannot listen on the port it was told to use
    ├── StoreError          the embedded backend's data directory is locked, full or corrupt
    │   ├── DirectoryInUse  another embedded backend runs on it
    │   └── StoreFull       the disk, or the quota, has no room for it
    ├── LaunchError         a task's process cannot be started
    │   └── AlreadyRunning  another process has taken the attempt
    └── ObjectError         an object of the embedded backend's store
        ├── NoSuchObject    there is none under that URI
        ├── BadObjectName   a bucket or key that cannot be
        └── BadDigest       the bytes that came are not the bytes that were promised
```

A message says what happened, where, and what to do next; fields are kept as attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from google.protobuf.message import Message


_OUT_OF_RANGE = ("Duration is not valid", "Timestamp is not valid", "Fail to serialize", "Failed to serialize")
"""What protobuf's messages of such errors say; some are told within another."""


def is_out_of_range(error: BaseException) -> bool:
    """Whether an error only says that a number, a duration or a time of a request is beyond what can be reckoned with.

    protobuf's conversions say so in words (JSON has no NaN either), Python's and SQLite's with an OverflowError.
    """
    if isinstance(error, OverflowError):
        return True
    return not isinstance(error, BridgeError) and any(text in str(error) for text in _OUT_OF_RANGE)


class BridgeError(Exception):
    """The root of every error flyte-bridge raises on purpose."""


class UsageError(BridgeError):
    """Raised when the caller asked for something that cannot be: a bad option, a path that is not there."""


class SourceError(BridgeError):
    """Raised when a user's source file cannot be read, decoded, parsed or written.

    Attributes:
        path: The file, as the user named it.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class ConfigError(BridgeError):
    """Raised when configuration is missing, contradictory or does not parse."""


class NodeError(BridgeError):
    """Raised when a node of a workflow cannot go on, for a reason that Flyte 1 has a code for.

    Attributes:
        code: Flyte 1's error code, such as `BindingResolutionFailure`.
        kind: `USER` when the workflow or its inputs are at fault, `SYSTEM` otherwise (`ExecutionError.ErrorKind`).
        node: Id of the node.
        told: Whether what ran there has told of it: the message is not the engine's own.
    """

    def __init__(
        self, message: str, *, code: str, node: str, kind: Literal["USER", "SYSTEM"] = "USER", told: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.node = node
        self.kind = kind
        self.told = told


class BackendError(BridgeError):
    """Raised when the Flyte 2 behind us fails."""


class StatusError(BackendError):
    """Raised when a call is answered with a gRPC status, or is to be answered with one.

    Attributes:
        code: The status's name, such as `NOT_FOUND`.
        details: Messages that go along with the status, as `google.rpc.Status.details` has them.
    """

    code = "UNKNOWN"

    def __init__(self, message: str, *details: Message) -> None:
        super().__init__(message)
        self.details = details


class InvalidRequest(StatusError):
    """Raised when a request can never be right as it is: a bad name, a missing field, a value of the wrong type."""

    code = "INVALID_ARGUMENT"


class NotFound(StatusError):
    """Raised when what a request names is not there."""

    code = "NOT_FOUND"


class AlreadyExists(StatusError):
    """Raised when what a request would make is there already."""

    code = "ALREADY_EXISTS"


class ConcurrencyLimit(AlreadyExists):
    """Raised when as many executions of a launch plan are active as its concurrency policy allows."""


class FailedPrecondition(StatusError):
    """Raised when the thing is there, but in a state that does not allow it."""

    code = "FAILED_PRECONDITION"


class Unauthenticated(StatusError):
    """Raised when nobody said who calls, or the credentials are wrong or have expired."""

    code = "UNAUTHENTICATED"


class PermissionDenied(StatusError):
    """Raised when who calls may not do that."""

    code = "PERMISSION_DENIED"


class ResourceExhausted(StatusError):
    """Raised when a message is too large, calls are too many, or there is no room."""

    code = "RESOURCE_EXHAUSTED"


class Unimplemented(StatusError):
    """Raised when nobody does what is asked, or not with this field; the message names it and says what else to do."""

    code = "UNIMPLEMENTED"


class Aborted(StatusError):
    """Raised when somebody else was faster, or work is given to a run that has ended."""

    code = "ABORTED"


class DeadlineExceeded(StatusError):
    """Raised when there was no answer in time."""

    code = "DEADLINE_EXCEEDED"


class Unavailable(StatusError):
    """Raised when the Flyte 2 behind us cannot be reached, or stopped half-way."""

    code = "UNAVAILABLE"


class InternalError(StatusError):
    """Raised when the other side, or we, have a defect."""

    code = "INTERNAL"


class StoreError(BackendError):
    """Raised when the embedded backend's data directory is locked, full or corrupt."""


class StoreFull(StoreError):
    """Raised when the disk, or the quota, has no room for what should be stored."""


class ObjectError(BackendError):
    """Raised when an object of the embedded backend's store cannot be used.

    Attributes:
        name: The bucket, key or URI.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name!r}: {message}")
        self.name = name


class NoSuchObject(ObjectError):
    """Raised when no object is stored under that URI."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "no such object; list its prefix to see what is there")


class BadObjectName(ObjectError):
    """Raised when a bucket or a key is given that cannot be one."""


class BadDigest(ObjectError):
    """Raised when an upload's bytes differ in length or checksum from what its sender promised."""


class DirectoryInUse(StoreError):
    """Raised when another embedded backend runs on the data directory."""


class PortInUse(BackendError):
    """Raised when the embedded backend cannot listen on the port it was told to use."""


class LaunchError(BackendError):
    """Raised when the embedded backend cannot start a task's process."""


class AlreadyRunning(LaunchError):
    """Raised when another process, started by an earlier server, has taken the attempt."""
