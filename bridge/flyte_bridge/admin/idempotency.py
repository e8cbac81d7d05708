"""Requests that failed after what they ask for may have begun: sent again, they mean the same execution."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

from flyte_bridge.admin.caches import Recent, caller

if TYPE_CHECKING:
    from flyteidl.admin import execution_pb2

    from flyte_bridge.admin.context import CallContext

RETRIED = 60.0
"""Seconds in which a request that failed half-way, sent again, means the same execution."""


def begun_by(request: execution_pb2.ExecutionCreateRequest, context: CallContext) -> str:
    """What tells a request from others.

    flytekit sends each request up to four times, whatever it failed with. A request that failed after its execution may
    have been made means the same one when it is sent again; without a name each would be an execution of its own.
    """
    digest = hashlib.sha256(request.SerializeToString(deterministic=True))
    digest.update(caller(context).encode())
    return digest.hexdigest()


class BegunNames:
    """The names of executions that may have been made, by their requests."""

    def __init__(self) -> None:
        self._held: Recent[str, tuple[float, str]] = Recent(1024)

    def __contains__(self, begun: object) -> bool:
        return isinstance(begun, str) and self.get(begun) is not None

    def get(self, begun: str) -> str | None:
        found = self._held.get(begun)
        return found[1] if found is not None and time.monotonic() - found[0] < RETRIED else None

    def put(self, begun: str, name: str) -> None:
        self._held.put(begun, (time.monotonic(), name))

    def drop(self, begun: str) -> None:
        self._held.drop(begun)
