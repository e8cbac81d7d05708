"""What all nodes of a run share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from flyte_bridge.driver.journal import Journal
from flyte_bridge.driver.patience import patient
from flyte_bridge.launch.launcher import Launcher
from flyte_bridge.launch.platform_settings import RememberingReader
from flyte_bridge.registry.attributes import Attributes
from flyte_bridge.registry.deployed import Deployed
from flyte_bridge.registry.documents import Documents

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyteidl.admin import launch_plan_pb2
    from flyteidl2.common import identifier_pb2
    from flyteidl2.task import run_pb2

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.backend.storage import Storage
    from flyte_bridge.driver.children import Children
    from flyte_bridge.driver.recover import RecoveredRun
    from flyte_bridge.driver.recover_record import RecoveredRecord
    from flyte_bridge_translators.flyte1.nodes import Key
    from flyte_bridge_translators.wire.execution import ExecutionSettings


class StopReason(Enum):
    """Why the driver is stopped before its workflow has ended."""

    INTERRUPTED = "interrupted"
    ABORTED = "aborted"


@dataclass(kw_only=True)
class Execution:
    """What all nodes of a run share.

    Attributes:
        backend: Flyte 2.
        storage: Where literals lie.
        children: The actions below the driver's.
        action: The driver's own action.
        base: Where the run's files lie; below it each action has a directory of its name.
        run_spec: The run's, as Flyte 2 has it.
        settings: What the execution was asked to be.
        goes_on: Whether what can still run does so after a failure; the execution's own workflow says so for all below it, too.
        interruptible: The workflow's default for nodes that say nothing.
        workflow: The execution's workflow, for the tasks' environment.
        source: The run, or the record, whose results are taken over; None unless this one recovers.
        journal: What happened to each node.
        launch_plans: Those that nodes have launched, as they were registered.
        ending: Why the driver itself is being stopped, None while it is not.
    """

    backend: BackendClient
    storage: Storage
    children: Children
    action: identifier_pb2.ActionIdentifier
    base: str
    run_spec: run_pb2.RunSpec
    settings: ExecutionSettings
    goes_on: bool
    interruptible: bool
    workflow: Key
    source: RecoveredRun | RecoveredRecord | None = None
    journal: Journal = field(default_factory=Journal)
    launch_plans: dict[tuple[str, ...], launch_plan_pb2.LaunchPlan] = field(default_factory=dict)
    ending: StopReason | None = None

    def __post_init__(self) -> None:
        most = self.settings.max_parallelism
        attributes = Attributes(self.backend, Documents(Deployed(self.backend)))
        self.launcher = Launcher(self.backend, RememberingReader(self.backend, attributes), patient)
        self._room = asyncio.Semaphore(most) if most > 0 else None

    @asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """One of the places that `max_parallelism` allows: task, array and launch plan nodes take one
        (`nodes/executor.go`, `IsMaxParallelismAchieved`)."""
        if self._room is None:
            yield
            return
        async with self._room:
            yield

    @property
    def workflow_name(self) -> str:
        """As flytekit wants it in a task's environment: `project:domain:name`."""
        return f"{self.workflow.project}:{self.workflow.domain}:{self.workflow.name}"

    @property
    def launch_plan_name(self) -> str:
        """Likewise; the workflow's name where no launch plan was named, since its default one is called so."""
        plan = self.settings.launch_plan
        return f"{plan.project}:{plan.domain}:{plan.name}" if plan.name else self.workflow_name

    def place(self, name: str) -> str:
        """Where a child's inputs, and what the driver itself leaves for it, lie."""
        return f"{self.base}/{name}"
