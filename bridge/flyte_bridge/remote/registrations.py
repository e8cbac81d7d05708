"""Registrations as they pass: what a program registers is told, and only told if it is to change nothing."""

from __future__ import annotations

from concurrent import futures
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2

from flyte_bridge.errors import AlreadyExists
from flyte_bridge.remote.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.remote.in_process import Home

_SERVICE = "/flyteidl.service.AdminService"
_CREATES: dict[str, type[Message]] = {
    f"{_SERVICE}/CreateTask": task_pb2.TaskCreateRequest,
    f"{_SERVICE}/CreateWorkflow": workflow_pb2.WorkflowCreateRequest,
    f"{_SERVICE}/CreateLaunchPlan": launch_plan_pb2.LaunchPlanCreateRequest,
}
_ACTIVATES = f"{_SERVICE}/UpdateLaunchPlan"


@dataclass(frozen=True)
class Registration:
    """An entity that was registered.

    Attributes:
        identity: What it is called.
        outcome: `registered`, `registered already` (exactly that was there), or `would be registered`.
    """

    identity: identifier_pb2.Identifier
    outcome: str

    @property
    def kind(self) -> str:
        """`task`, `workflow` or `launch plan`."""
        return identifier_pb2.ResourceType.Name(self.identity.resource_type).lower().replace("_", " ")


class RegistrationChannel(Channel):
    """A channel that tells of registrations."""

    def __init__(self, home: Home, tell: Callable[[Registration], None], *, dry_run: bool = False) -> None:
        """Calls nothing yet.

        Args:
            home: Where the façade lives.
            tell: Called for each entity, on whatever thread its call ends; not for one that is refused.
            dry_run: Answer registrations here instead of making them.
        """
        super().__init__(home)
        self._tell, self._dry_run = tell, dry_run

    def start(self, method: str, data: bytes, context: CallContext) -> futures.Future[bytes]:
        """Begins a call, as the channel's own does."""
        kind = _CREATES.get(method)
        if self._dry_run and (kind is not None or method == _ACTIVATES):
            done: futures.Future[bytes] = futures.Future()
            done.set_result(b"")
            if kind is not None:
                self._tell(Registration(_identity(kind, data), "would be registered"))
            return done
        call = super().start(method, data, context)
        if kind is not None:
            call.add_done_callback(lambda ended: self._ended(ended, _identity(kind, data)))
        return call

    def _ended(self, call: futures.Future[bytes], identity: identifier_pb2.Identifier) -> None:
        if call.cancelled():
            return
        error = call.exception()
        if error is None:
            self._tell(Registration(identity, "registered"))
        elif isinstance(error, AlreadyExists):
            self._tell(Registration(identity, "registered already"))


def _identity(kind: type[Message], data: bytes) -> identifier_pb2.Identifier:
    identity: identifier_pb2.Identifier = kind.FromString(data).id  # type: ignore[attr-defined]
    return identity
