"""Which version of a launch plan is active: at most one of each name, kept as a document."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from flyteidl.admin import launch_plan_pb2

from flyte_bridge.errors import InternalError
from flyte_bridge_translators.wire import document, identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.registry.cache import Row
    from flyte_bridge.registry.documents import Documents

KIND = "launch-plan-active"


@dataclass(frozen=True)
class PlanState:
    """The state of the launch plans of one name.

    Attributes:
        name: Theirs.
        active: The active version; empty if none is.
        former: The version that was active before.
        changed_at: When that changed; `None` if never.
    """

    name: str
    active: str = ""
    former: str = ""
    changed_at: datetime | None = None

    def applied(self, plan: launch_plan_pb2.LaunchPlan) -> launch_plan_pb2.LaunchPlan:
        """Put into a launch plan of the name what this says of it."""
        plan.closure.state = launch_plan_pb2.ACTIVE if self.is_active(plan.id.version) else launch_plan_pb2.INACTIVE
        if self.changed_at is not None and plan.id.version in (self.active, self.former):
            plan.closure.updated_at.FromDatetime(self.changed_at)
        return plan

    def is_active(self, version: str) -> bool:
        """Whether this version is the active one."""
        return bool(version) and version == self.active

    def text(self) -> str:
        """As the document has it."""
        told = {"name": self.name, "active": self.active, "former": self.former}
        at = {"at": self.changed_at.isoformat()} if self.changed_at else {}
        return json.dumps(told | at, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> PlanState:
        """Of a document.

        Raises:
            InternalError: It is none of ours.
        """
        try:
            told: Mapping[str, Any] = json.loads(text)
            at = datetime.fromisoformat(told["at"]) if "at" in told else None
            return cls(told["name"], told["active"], told["former"], at)
        except (ValueError, KeyError, TypeError) as error:
            raise InternalError(
                f"the state of a launch plan cannot be read ({error!r}); activate a version of it again"
            ) from error


class Plans:
    """The states of launch plans."""

    def __init__(self, documents: Documents) -> None:
        """Takes where they are kept."""
        self._documents = documents

    async def told(self, name: str, row: Row | None) -> PlanState:
        """The state of the launch plans of a name, as the row of its document tells.

        Args:
            name: Theirs.
            row: The document's (`document_name`); None if there is none.
        """
        text = await self._documents.of_row(row) if row is not None else ""
        return PlanState.read(text) if text else PlanState(name)

    @staticmethod
    def document_name(name: str) -> str:
        """Under which name the state of a name is deployed."""
        return identifier.task_name(identifier.DOCUMENT, document.name(KIND, name))

    async def state(self, project: str, domain: str, name: str) -> PlanState:
        """The state of the launch plans of a name."""
        text = await self._documents.get(project, domain, document.name(KIND, name))
        return PlanState.read(text) if text else PlanState(name)

    async def states(self, project: str, domain: str) -> dict[str, PlanState]:
        """The states of all launch plans that ever were active, by name."""
        found = [PlanState.read(text) for _, text in await self._documents.of_kind(KIND, project, domain)]
        return {state.name: state for state in found}

    async def activate(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Make a version the active one; the one that was is no longer."""
        where = plan.id.project, plan.id.domain
        state = await self.state(*where, plan.id.name)
        former = state.active if state.active != plan.id.version else state.former
        await self._write(*where, PlanState(plan.id.name, plan.id.version, former, datetime.now(timezone.utc)))

    async def deactivate(self, plan: launch_plan_pb2.LaunchPlan) -> None:
        """Make a version inactive; nothing is written for one that is."""
        where = plan.id.project, plan.id.domain
        state = await self.state(*where, plan.id.name)
        if state.is_active(plan.id.version):
            await self._write(*where, PlanState(plan.id.name, "", plan.id.version, datetime.now(timezone.utc)))

    async def _write(self, project: str, domain: str, state: PlanState) -> None:
        await self._documents.put(project, domain, document.name(KIND, state.name), state.text())
