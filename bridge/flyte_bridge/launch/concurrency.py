"""How many executions of a launch plan may be active at once: its concurrency policy.

flyteadmin counts the active executions of all versions of the name and refuses the one too many
(`flyteadmin/pkg/manager/impl/execution_manager.go`, `checkLaunchPlanConcurrency`, v1.16.8). It counts and creates in two
steps, so that two starts at the same time may both pass. Here they are one step for all starts of one process.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from flyteidl.admin import launch_plan_pb2
from flyteidl2.common import identifier_pb2, phase_pb2

from flyte_bridge.backend.query import MOST, pages, query, where
from flyte_bridge.errors import ConcurrencyLimit
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from flyte_bridge.backend.client import BackendClient

ACTIVE = (
    phase_pb2.ACTION_PHASE_QUEUED,
    phase_pb2.ACTION_PHASE_WAITING_FOR_RESOURCES,
    phase_pb2.ACTION_PHASE_INITIALIZING,
    phase_pb2.ACTION_PHASE_RUNNING,
)
"""Flyte 1's QUEUED and RUNNING."""


class Concurrency:
    """Holds starts to the policies of their launch plans."""

    def __init__(self, backend: BackendClient) -> None:
        """Counts nothing yet.

        Args:
            backend: Where the executions are.
        """
        self._backend = backend
        self._starting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def room(self, plan: launch_plan_pb2.LaunchPlan, org: str) -> AsyncIterator[None]:
        """Room for one more execution, which is started inside.

        Args:
            plan: The launch plan, which may be without a policy.
            org: Flyte 2's organisation.

        Raises:
            ConcurrencyLimit: There is none.
        """
        policy = plan.spec.concurrency_policy
        if policy.behavior != launch_plan_pb2.CONCURRENCY_LIMIT_BEHAVIOR_SKIP:
            yield
            return
        key = f"{plan.id.project}:{plan.id.domain}:{plan.id.name}"
        async with self._starting.setdefault(key, asyncio.Lock()):
            if await self._active(plan, org, policy.max) >= policy.max:
                raise ConcurrencyLimit(
                    f"concurrency limit ({policy.max}) reached for launch plan {plan.id.name}; skipping execution"
                )
            yield

    async def _active(self, plan: launch_plan_pb2.LaunchPlan, org: str, most: int) -> int:
        """How many executions are active, of any version; not counted beyond `most`."""
        project = identifier_pb2.ProjectIdentifier(organization=org, name=plan.id.project, domain=plan.id.domain)
        name = identifier.task_name(identifier.LAUNCH_PLAN, plan.id.name)
        asked = query(where("task_name", name), where("phase", *ACTIVE), limit=max(1, min(MOST, most)))
        count = 0
        async for _ in pages(self._backend.list_runs, lambda page: page.runs, asked, project_id=project):
            count += 1
            if count >= most:
                break
        return count
