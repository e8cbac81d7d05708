"""Secrets at rest: one file each, readable by the owner only, replaced as a whole.

A secret belongs to a project and domain, or to everybody (both empty). Its file is named by a hash, so names lead
nowhere; the directory is 0700 and the files 0600. They are not encrypted: the owner on this machine can read them, as
every credential file in a home directory. Values are never logged, never in a message, never in a `repr`.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from flyte_bridge.embedded.clock import Clock, SystemClock
from flyte_bridge.errors import StoreError, StoreFull

if TYPE_CHECKING:
    from flyteidl2.secret import definition_pb2

    from flyte_bridge.backend.moments import Micros


@dataclass(frozen=True)
class Secret:
    """A secret.

    Attributes:
        project: Empty, with the domain, if it is everybody's.
        type: `flyteidl2.secret.SecretType`.
    """

    project: str
    domain: str
    name: str
    type: definition_pb2.SecretType
    created_at: Micros
    value: bytes = field(repr=False)


class SecretStore:
    """The secrets of a data directory.

    Args:
        directory: Where they lie; made when the first is stored.
        clock: Stamps them.
    """

    def __init__(self, directory: Path, clock: Clock | None = None) -> None:
        self.directory = directory
        self._clock = clock or SystemClock()

    def put(self, project: str, domain: str, name: str, type_: definition_pb2.SecretType, value: bytes) -> Secret:
        """Store a secret, replacing one of that name; the time of its creation stays.

        Raises:
            StoreError: The disk is full, or the directory cannot be written; what was there still is.
        """
        there = self.get(project, domain, name)
        secret = Secret(project, domain, name, type_, there.created_at if there else self._clock.now(), value)
        record = {
            "project": project,
            "domain": domain,
            "name": name,
            "type": type_,
            "created_at": secret.created_at,
            "value": base64.b64encode(value).decode("ascii"),
        }
        write_private(self._path(project, domain, name), json.dumps(record).encode())
        return secret

    def get(self, project: str, domain: str, name: str) -> Secret | None:
        """Return a secret of exactly that scope; None if there is none.

        Raises:
            StoreError: Its file cannot be read, or is damaged.
        """
        return _load(self._path(project, domain, name))

    def find(self, project: str, domain: str, name: str) -> Secret | None:
        """Return the secret a task of that project and domain gets: its own, else the domain's, else everybody's."""
        for scope in ((project, domain), ("", domain), ("", "")):
            secret = self.get(*scope, name)
            if secret is not None:
                return secret
        return None

    def delete(self, project: str, domain: str, name: str) -> bool:
        """Delete a secret; return False if there was none."""
        try:
            self._path(project, domain, name).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _store_error(error, self.directory) from error
        return True

    def list(self, project: str, domain: str) -> list[Secret]:
        """Return the secrets of exactly that scope, by name."""
        found = [_load(path) for path in self.directory.glob("*.json")]
        return sorted(
            (each for each in found if each is not None and (each.project, each.domain) == (project, domain)),
            key=lambda each: each.name,
        )

    def _path(self, project: str, domain: str, name: str) -> Path:
        text = json.dumps([project, domain, name])
        return self.directory / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def write_private(path: Path, data: bytes) -> None:
    """Write a file only its owner can read, in directories only its owner can enter; all of it or nothing.

    Raises:
        StoreError: The disk is full, or the directory cannot be written.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)  # mkdir's mode is not the parents', and not that of one that was there
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")  # 0600 from the beginning
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
        raise _store_error(error, path.parent) from error


def _load(path: Path) -> Secret | None:
    try:
        record = json.loads(path.read_bytes())
        value = base64.b64decode(record["value"])
        return Secret(record["project"], record["domain"], record["name"], record["type"], record["created_at"], value)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _store_error(error, path.parent) from error
    except (ValueError, KeyError, TypeError):
        # without the cause: its text could be the value's
        raise StoreError(f"{path}: the secret's file is damaged; delete it and create the secret again") from None


def _store_error(error: OSError, directory: Path) -> StoreError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return StoreFull(f"{directory}: not stored, the disk is full ({error.strerror}); free some space and try again")
    return StoreError(f"{directory}: {error.strerror or error}; check the directory's permissions")
