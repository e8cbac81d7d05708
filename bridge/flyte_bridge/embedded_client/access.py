"""What opens an embedded backend: one secret per data directory, and what is derived from it.

The file `token` in the data directory is written once, for its owner only. What goes elsewhere is derived from it, so that
nobody who sees one of those has the token:

| what | where it goes |
|---|---|
| the path's first segment | `admin.endpoint` of the flyte SDK, which leaves it out of the URLs that it prints |
| the object store's keys | the environment of S3 clients, which sign with the secret and send none |
| a cookie | the browser that has logged in, which sends it to every port of this machine |

The path is there because the SDK (2.12.1) sends nobody's header over plain HTTP: `insecure` switches its logins off, and its
`proxyCommand` fails (two values for `command`).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyte_bridge.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "token"
"""Its name in the data directory."""

SEGMENT = "_t."
"""How the first segment of a path begins that proves who asks; no bucket and no service is called so."""

_SHORTEST = 32
"""Characters below which a token could be guessed; ours have 43."""


@dataclass(frozen=True)
class Access:
    """The secret of one installation.

    Attributes:
        token: What RPC clients send as a bearer token.
    """

    token: str = field(repr=False)

    def opens(self, given: str) -> bool:
        """Whether it is the token; takes as long whatever is given."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def derived(self, purpose: str) -> str:
        """A secret of its own for one purpose: 64 hexadecimal digits, from which the token cannot be had."""
        return hmac.new(self.token.encode(), purpose.encode(), hashlib.sha256).hexdigest()

    @property
    def segment(self) -> str:
        """The first segment of paths that need no other proof."""
        return f"{SEGMENT}{self.derived('path')[:40]}"

    @property
    def s3_key(self) -> str:
        """The object store's access key id; no secret."""
        return f"FB{self.derived('s3 access key')[:18].upper()}"

    @property
    def s3_secret(self) -> str:
        """The object store's secret access key."""
        return self.derived("s3 secret key")


def path_of(data_dir: Path) -> Path:
    """Where a directory's token lies."""
    return data_dir / FILE


def read(data_dir: Path) -> Access:
    """The access of a data directory.

    Raises:
        StoreError: There is none, or it cannot be read.
    """
    path = path_of(data_dir)
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path}: the token cannot be read: {error}; start the backend again: flyte-bridge up"
        ) from error
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise StoreError(
            f"{path}: holds no token of at least {_SHORTEST} characters; delete it, and start the backend again"
        )
    return Access(token)


def ensure(data_dir: Path) -> Access:
    """The access of a data directory, made if there is none; only who holds the directory may call this.

    Raises:
        StoreError: It cannot be read or written.
    """
    path = path_of(data_dir)
    try:
        if path.exists():
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
        else:
            write_private(path, secrets.token_urlsafe(32) + "\n")
    except OSError as error:
        raise StoreError(f"{path}: the token cannot be written: {error.strerror}") from error
    return read(data_dir)


def write_private(path: Path, text: str) -> None:
    """Replace a file as a whole with one that only its owner can read, at no moment anybody else."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
