"""A Flyte 2 as one caller sees it: everything that the console asks of it."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from flyteidl2.common import identifier_pb2, list_pb2, phase_pb2
from flyteidl2.task import common_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2

from flyte_bridge.admin.caches import caller
from flyte_bridge.backend.keys import ROOT, ActionKey, RunKey, TaskKey, TriggerKey
from flyte_bridge.backend.query import pages, query, where
from flyte_bridge.errors import FailedPrecondition, NotFound, StatusError
from flyte_bridge.registry.deployed import ORG
from flyte_bridge_translators.wire import node_record
from flyte_bridge_translators.wire.phase import GOOD, TERMINAL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from flyteidl2.trigger import trigger_definition_pb2

    from flyte_bridge.admin.caches import Recent
    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.reading import ExecutionReader
    from flyte_bridge.admin.service import Facade
    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.backend.storage import Storage

    Actions = dict[str, run_definition_pb2.Action]

_NAMES_WITHIN = 10.0
"""Seconds in which a watch must have told what actions are, where a list does not."""

_ENOUGH = 1000
"""Projects, versions, triggers or conditions that a page shows at most."""


class LogReader(Protocol):
    """Whoever has the logs of attempts."""

    async def tail(self, key: ActionKey, attempt: int, most: int) -> tuple[bytes, bool]:
        """A log's end, and whether there is more before it; empty where there is no log.

        Args:
            key: The action.
            attempt: From 1.
            most: Bytes.
        """
        ...

    def whole(self, key: ActionKey, attempt: int) -> AsyncIterator[bytes]:
        """A log from its beginning.

        Raises:
            NotFound: There is none.
        """
        ...


@dataclass(frozen=True)
class PageSource:
    """What a page shows is what clients are told.

    Attributes:
        facade: Flyte 1's control plane over the Flyte 2.
        context: Who asks.
        logs: Of attempts.
        last_error: Why a trigger's last fire time made no run, where somebody knows; else empty.
        now: The time.
        ended: Actions of runs in which everything has ended, as far as they are remembered.
    """

    facade: Facade
    context: CallContext
    logs: LogReader
    last_error: Callable[[TriggerKey], str]
    now: Callable[[], Micros]
    ended: Recent[tuple[str, RunKey], Actions]

    @property
    def backend(self) -> BackendClient:
        """The Flyte 2."""
        return self.facade.backend

    @property
    def reader(self) -> ExecutionReader:
        """Reads executions of Flyte 1."""
        return self.facade.reader

    @property
    def storage(self) -> Storage:
        """Objects that values point to, as far as the bridge may read them."""
        return self.facade.storage

    # -- runs ---------------------------------------------------------------------------------------------------------

    async def run(self, key: RunKey) -> run_definition_pb2.RunDetails:
        """A run and its root.

        Raises:
            NotFound: There is none.
        """
        try:
            return await self.backend.get_run(run_id=run_id(key))
        except NotFound:
            raise NotFound(f"There is no run {key}.") from None

    async def details(self, key: ActionKey) -> run_definition_pb2.ActionDetails:
        """All there is to know of an action.

        Raises:
            NotFound: There is none.
        """
        return await self.reader.details(action_id(key), self.context)

    async def actions(self, key: RunKey) -> Actions:
        """A run's actions by name, oldest first, each saying what it is.

        The Go backend's list tells parent and group only; its watch tells the rest, and does not say when it has told all.
        """
        who = (caller(self.context), key)
        held = self.ended.get(who)
        if held is not None:
            return dict(held)
        listed = await self._listed(key)
        if all(action.status.phase in TERMINAL for action in listed.values()):
            self.ended.put(who, listed, len(listed))
        return dict(listed)

    async def _listed(self, key: RunKey) -> Actions:
        rows = pages(self.backend.list_actions, lambda page: page.actions, query(sort="created_at"), run_id=run_id(key))
        listed = {action.id.name: node_record.read(action) async for action in rows}
        if all(action.metadata.action_type for action in listed.values()):
            return listed
        unknown = set(listed)
        stream = self.backend.watch_actions(run_id=run_id(key))
        with contextlib.suppress(asyncio.TimeoutError):  # what was not told has no name but its own
            while unknown:
                message = await asyncio.wait_for(anext(stream, None), _NAMES_WITHIN)
                if message is None:
                    break
                for enriched in message.enriched_actions:
                    action = node_record.read(enriched.action)
                    if action.id.name in listed:
                        listed[action.id.name] = action
                    unknown.discard(action.id.name)
        await stream.aclose()  # type: ignore[attr-defined]
        return listed

    async def data(self, action: run_definition_pb2.ActionDetails) -> tuple[common_pb2.Inputs, common_pb2.Outputs]:
        """An action's inputs and outputs; empty where it has none.

        Raises:
            StatusError: They should be there, and cannot be read.
        """
        if node_record.is_failed(action.metadata.group):  # the Go backend would read its error for outputs
            return common_pb2.Inputs(), common_pb2.Outputs()
        try:
            told = await self.backend.get_action_data(action_id=action.id)
        except (NotFound, FailedPrecondition):
            interface = action.task.task_template.interface
            if action.status.phase in GOOD and (interface.inputs.variables or interface.outputs.variables):
                raise
            return common_pb2.Inputs(), common_pb2.Outputs()
        return told.inputs, told.outputs

    async def waiting(self, key: RunKey) -> list[run_definition_pb2.ActionDetails]:
        """A run's conditions that wait for an answer, oldest first."""
        asked = query(
            where("action_type", int(run_definition_pb2.ACTION_TYPE_CONDITION)),
            where("phase", int(phase_pb2.ACTION_PHASE_PAUSED)),
            sort="created_at",
            limit=100,
        )
        listed = await self.backend.list_actions(run_id=run_id(key), request=asked)
        return [await self.backend.get_action(action_id=action.id) for action in listed.actions]

    # -- what is deployed ---------------------------------------------------------------------------------------------

    async def places(self) -> list[tuple[str, str]]:
        """Projects and their domains, as far as the caller may see them."""
        try:
            listed = await self.backend.list_projects(limit=_ENOUGH)
        except StatusError:
            return []  # who may not list projects may see runs all the same
        return [(project.id, domain.id) for project in listed.projects for domain in project.domains]

    async def task(self, key: TaskKey) -> task_definition_pb2.TaskDetails:
        """A version of a task.

        Raises:
            NotFound: It is not deployed.
        """
        try:
            return await self.backend.get_task(task_id=task_id(key))
        except NotFound:
            raise NotFound(f"Task {key} is not deployed.") from None

    async def latest(self, project: str, domain: str, name: str) -> TaskKey:
        """The newest version of a task.

        Raises:
            NotFound: It is not deployed.
        """
        named = task_definition_pb2.TaskName(org=ORG, project=project, domain=domain, name=name)
        newest = query(sort="created_at", descending=True, limit=1)
        listed = await self.backend.list_versions(task_name=named, request=newest)
        if not listed.versions:
            raise NotFound(f"Task {project}/{domain}/{name} is not deployed.")
        return TaskKey(project, domain, name, listed.versions[0].version)

    async def triggers(
        self, project: str, domain: str, filters: Iterable[list_pb2.Filter] = (), limit: int = _ENOUGH
    ) -> Sequence[trigger_definition_pb2.Trigger]:
        """A project's triggers."""
        place = identifier_pb2.ProjectIdentifier(organization=ORG, name=project, domain=domain)
        rows = pages(
            self.backend.list_triggers, lambda page: page.triggers, query(*filters, limit=limit), project_id=place
        )
        found = []
        async for trigger in rows:
            found.append(trigger)
            if len(found) == limit:
                break
        return found


# -- names ------------------------------------------------------------------------------------------------------------


def run_key(message: identifier_pb2.RunIdentifier) -> RunKey:
    """Which run a message means."""
    return RunKey(message.project, message.domain, message.name)


def action_key(message: identifier_pb2.ActionIdentifier) -> ActionKey:
    """Which action a message means."""
    return run_key(message.run).action(message.name or ROOT)


def run_id(key: RunKey) -> identifier_pb2.RunIdentifier:
    """A run's identifier."""
    return identifier_pb2.RunIdentifier(org=ORG, project=key.project, domain=key.domain, name=key.name)


def action_id(key: ActionKey) -> identifier_pb2.ActionIdentifier:
    """An action's identifier."""
    return identifier_pb2.ActionIdentifier(run=run_id(key.run_key), name=key.name)


def task_id(key: TaskKey) -> task_definition_pb2.TaskIdentifier:
    """A task version's identifier."""
    return task_definition_pb2.TaskIdentifier(
        org=ORG, project=key.project, domain=key.domain, name=key.name, version=key.version
    )


def trigger_name(key: TriggerKey) -> identifier_pb2.TriggerName:
    """A trigger's name."""
    return identifier_pb2.TriggerName(
        org=ORG, project=key.project, domain=key.domain, task_name=key.task_name, name=key.name
    )
