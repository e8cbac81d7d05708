"""How a call reaches a Flyte 2: over gRPC (`grpc.GrpcCaller`) or in this process (`embedded.local.LocalCaller`)."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Protocol, TypeVar

from flyte_bridge import errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

M = TypeVar("M", bound="Message")


class Caller(Protocol):
    """Whatever makes calls. A method is named in full: `/flyteidl2.workflow.RunService/GetRunDetails`.

    Both kinds of call raise a `StatusError` that tells the status; a missing RPC is `Unimplemented` on every backend.
    """

    async def unary(self, method: str, request: Message, reply: type[M], *, timeout: float | None = None) -> M:
        """One request, one reply.

        Args:
            method: Its full name.
            request: Left as it is.
            reply: The class of the answer.
            timeout: Seconds that all of it may take, retries included; the caller's own limit if `None`.
        """
        ...

    def stream(
        self, method: str, request: Message, reply: type[M], *, timeout: float | None = None
    ) -> AsyncIterator[M]:
        """One request, many replies; closing the iterator ends the call.

        Args:
            method: Its full name.
            request: Left as it is.
            reply: The class of the answers.
            timeout: Seconds after which it ends with `DeadlineExceeded`; never if `None`.
        """
        ...

    async def close(self) -> None:
        """Lets go of its connections."""
        ...


ERRORS: dict[str, type[errors.StatusError]] = {
    error.code: error
    for error in (
        errors.Aborted,
        errors.AlreadyExists,
        errors.DeadlineExceeded,
        errors.FailedPrecondition,
        errors.InternalError,
        errors.InvalidRequest,
        errors.NotFound,
        errors.PermissionDenied,
        errors.ResourceExhausted,
        errors.Unauthenticated,
        errors.Unavailable,
        errors.Unimplemented,
    )
}
"""A status's name → the error that tells of it."""


def error_of(code: str, message: str) -> errors.StatusError:
    """The error for a status; a plain `StatusError` for one that has none of its own (UNKNOWN, CANCELLED, DATA_LOSS)."""
    kind = ERRORS.get(code)
    if kind is not None:
        return kind(message)
    error = errors.StatusError(message)
    error.code = code
    return error


REPEATABLE_WORDS = ("Get", "List", "Watch", "Tail", "UserInfo", "SelectCluster")
"""How methods begin that change nothing, so that they may be sent again when nobody knows whether they arrived."""

REPEATABLE = {
    "/flyteidl2.actions.ActionsService/Enqueue",  # the second is refused, which `enqueue` takes for done
    "/flyteidl2.dataproxy.DataProxyService/CreateUploadLocation",
    "/flyteidl2.dataproxy.DataProxyService/CreateDownloadLink",
    "/flyteidl2.dataproxy.DataProxyService/UploadInputs",  # the place follows from the content
    "/flyteidl2.task.TaskService/DeployTask",  # an upsert
    "/flyteidl2.workflow.RunService/SignalEvent",  # the same answer again is no error
    "/flyteidl2.trigger.TriggerService/UpdateTriggers",
    "/flyteidl2.trigger.TriggerService/DeleteTriggers",
}
"""The others that may be sent twice. Not CreateRun: the real backend overwrites the inputs of the first."""


def repeatable(method: str) -> bool:
    """Tell whether a call may be sent again when it failed as UNAVAILABLE."""
    return method in REPEATABLE or method.rpartition("/")[2].startswith(REPEATABLE_WORDS)


class Backoff:
    """Pauses between tries that double from 50 ms to 5 s, with jitter, until their patience is at an end."""

    _FIRST, _LAST = 0.05, 5.0

    def __init__(self, patience: float | None) -> None:
        """Begins now.

        Args:
            patience: Seconds after which `pause` says no; never if `None`.
        """
        self._patience = patience
        self.reset()

    def reset(self) -> None:
        """Begins anew: what was tried has worked."""
        self._until = None if self._patience is None else time.monotonic() + self._patience
        self._next = self._FIRST

    async def pause(self) -> bool:
        """Waits for the next try; False at once if there shall be none."""
        pause = self._next * random.uniform(0.7, 1.3)
        if self._until is not None and time.monotonic() + pause > self._until:
            return False
        self._next = min(2 * self._next, self._LAST)
        await asyncio.sleep(pause)
        return True
