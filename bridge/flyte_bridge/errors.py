"""Every error that flyte-bridge raises on purpose.

```
BridgeError                 the root: catch this to catch all of ours
├── UsageError              the caller asked for something that cannot be: a bad option, a path that is not there
├── SourceError             a user's source file cannot be read, decoded, parsed or written
├── ConfigError             configuration is missing, contradictory or does not parse
└── BackendError            the Flyte 2 behind us
    ├── Unavailable         it cannot be reached, or it stopped half-way
    └── StoreError          the embedded backend's data directory is locked, full or corrupt
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
