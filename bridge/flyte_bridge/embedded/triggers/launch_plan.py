"""Triggers of Flyte 1's launch plans: what their policies allow is held when they fire, as for every other start.

Source: flyteadmin's scheduler calls `CreateExecution`, and takes a refusal for done (`scheduler/executor/executor_impl.go`).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge.backend.client import BackendClient
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyte_bridge.backend.caller import Caller
    from flyte_bridge.launch.concurrency import Concurrency

PREFIX = f"{identifier.LAUNCH_PLAN}."
"""How the names of the tasks begin that launch plans are."""


class LaunchPlanTriggers:
    """Holds triggers to the concurrency policies of the launch plans that they start."""

    def __init__(self, caller: Caller) -> None:
        """Reads nothing yet.

        Args:
            caller: Calls the backend that the triggers belong to.
        """
        self._client = BackendClient(caller)
        self._concurrency: Concurrency | None = None

    @asynccontextmanager
    async def room(self, trigger: identifier_pb2.TriggerName) -> AsyncIterator[None]:
        """Room for one more run of what a trigger starts; the run is made inside.

        Raises:
            ConcurrencyLimit: The launch plan allows no more.
        """
        if not trigger.task_name.startswith(PREFIX):
            yield
            return
        from flyte_bridge.launch.concurrency import Concurrency  # its imports are a tenth of what a start takes
        from flyte_bridge.registry import specs

        self._concurrency = self._concurrency or Concurrency(self._client)
        deployed = await self._client.get_trigger(name=trigger)
        where = task_definition_pb2.TaskIdentifier(
            org=trigger.org,
            project=trigger.project,
            domain=trigger.domain,
            name=trigger.task_name,
            version=deployed.spec.task_version,
        )
        plan = specs.to_launch_plan(await self._client.get_task(task_id=where))
        async with self._concurrency.room(plan, trigger.org):
            yield
