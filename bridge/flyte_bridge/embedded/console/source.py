"""What the console asks of the backend, answered by the backend's own parts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl2.task import common_pb2

from flyte_bridge.embedded import messages
from flyte_bridge.embedded.inputs import inputs_file
from flyte_bridge.embedded.model import ActionType

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge.admin.service import Facade
    from flyte_bridge.embedded.layout import Layout
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionKey, ActionRecord, Micros, TaskRecord
    from flyte_bridge.embedded.objects import ObjectStore
    from flyte_bridge.embedded.registry import Tasks
    from flyte_bridge.embedded.triggers.repository import TriggerRepository


@dataclass(frozen=True)
class PageSource:
    """What a page shows is what clients are told.

    Attributes:
        facade: Makes Flyte 1's control plane over this backend, or has it already.
    """

    ledger: Ledger
    tasks: Tasks
    triggers: TriggerRepository
    objects: ObjectStore
    layout: Layout
    now: Callable[[], Micros]
    facade: Callable[[], Awaitable[Facade]]

    def actions(self, where: str, values: Sequence[object]) -> list[ActionRecord]:
        """Actions by a condition of ours; `a` names the table."""
        return [self.ledger.load(row) for row in self.ledger.rows(where, values)]

    def versions(self, project: str, domain: str, task: str) -> list[TaskRecord]:
        """The latest 50 versions of a task, newest first."""
        where = "WHERE t.project = ? AND t.domain = ? AND t.name = ? ORDER BY t.created_at DESC, t.id DESC LIMIT 50"
        return [self.tasks.load(row) for row in self.tasks.rows("1", where, (project, domain, task))]

    def details(self, record: ActionRecord) -> run_definition_pb2.ActionDetails:
        """An action as GetActionDetails tells it."""
        return messages.details(record, self.ledger)

    async def data(self, record: ActionRecord) -> tuple[common_pb2.Inputs, common_pb2.Outputs]:
        """An action's inputs and outputs.

        Raises:
            ObjectError: They should be in the object store, and are not.
            google.protobuf.message.DecodeError: They are not what they should be.
        """
        inputs, outputs = common_pb2.Inputs(), common_pb2.Outputs()
        if record.input_uri:
            inputs.ParseFromString(await asyncio.to_thread(self.objects.read, inputs_file(record.input_uri)))
        if record.phase.good and record.output_uri:
            uri = record.output_uri if record.output_uri.endswith(".pb") else f"{record.output_uri}/outputs.pb"
            if record.type is not ActionType.TASK or await asyncio.to_thread(self.objects.exists, uri):
                outputs.ParseFromString(await asyncio.to_thread(self.objects.read, uri))
        return inputs, outputs

    def log(self, key: ActionKey, attempt: int) -> Path:
        """Where an attempt's log lies."""
        return self.layout.log(key, attempt)

    def report(self, uri: str) -> bytes:
        """A report's bytes.

        Raises:
            ObjectError: It is not there any more.
        """
        return self.objects.read(uri)
