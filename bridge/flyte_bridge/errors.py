"""Every error that flyte-bridge raises on purpose.

```
BridgeError                 the root: catch this to catch all of ours
├── UsageError              the caller asked for something that cannot be: a bad option, a path that is not there
├── SourceError             a user's source file cannot be read, decoded, parsed or written
├── ConfigError             configuration is missing, contradictory or does not parse
└── BackendError            the Flyte 2 behind us
    ├── Unavailable         it cannot be reached, or it stopped half-way
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


class BackendError(BridgeError):
    """Raised when the Flyte 2 behind us fails."""


class Unavailable(BackendError):
    """Raised when the Flyte 2 behind us cannot be reached, or stopped half-way."""


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
