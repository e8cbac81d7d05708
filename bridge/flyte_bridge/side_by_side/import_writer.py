"""One write to the control plane that is imported into, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import AlreadyExists, DeadlineExceeded, PermissionDenied, StatusError, Unauthenticated, Unavailable
from .control_plane import ADMIN, told
from .import_state import Arrival, Imported

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from .control_plane import ControlPlane
    from .import_state import ImportState

OUT_OF_REACH = (Unavailable, DeadlineExceeded, Unauthenticated, PermissionDenied)
"""Answers that concern the control plane and not what was sent: they end an import."""

DIFFERENT = "with different structure already exists"
"""How flyteadmin and the façade say that another entity has the identifier."""


class ImportWriter:
    """Writes, and keeps in mind what became of it.

    Attributes:
        target: Flyte 2.
        state: What is done.
    """

    def __init__(self, target: ControlPlane, state: ImportState, tell: Callable[[Imported], None]) -> None:
        """Writes nothing yet.

        Args:
            target: Flyte 2.
            state: What is done.
            tell: Is told what became of each thing.
        """
        self.target = target
        self.state = state
        self._tell = tell

    def note(self, imported: Imported) -> None:
        """Keeps in mind what became of something."""
        self.state.add(imported)
        self._tell(imported)

    async def write(self, what: str, name: str, method: str, request: Message, reply: type[Any]) -> bool:
        """Sends a request of `AdminService`; whether what it was to make is there now.

        Raises:
            StatusError: The control plane is out of reach, or does not let us write.
        """
        arrival, reason = Arrival.COPIED, ""
        try:
            await self.target.caller.unary(f"{ADMIN}{method}", request, reply)
        except AlreadyExists:
            arrival = Arrival.THERE
        except OUT_OF_REACH:
            raise
        except StatusError as error:
            arrival = Arrival.DIFFERENT if DIFFERENT in str(error) else Arrival.REFUSED
            reason = told(error)
        self.note(Imported(what, name, arrival, reason))
        return arrival in (Arrival.COPIED, Arrival.THERE)
