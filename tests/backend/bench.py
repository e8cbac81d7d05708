"""The bridge's verbs on some backend, and where the coroutines that use them run."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl2.actions import actions_service_pb2
from flyteidl2.common import identifier_pb2
from flyteidl2.project import project_service_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge import errors
from flyte_bridge.backend.client import BackendClient

from .contract import DOMAIN, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE = 60


@dataclass
class Bench:
    """A backend's verbs, and the identifiers of a project on it."""

    backend: BackendClient
    project: str

    @property
    def project_id(self) -> Any:
        return identifier_pb2.ProjectIdentifier(organization="local", name=self.project, domain=DOMAIN)

    def run_id(self) -> Any:
        name = f"v{uuid.uuid4().hex[:12]}"
        return identifier_pb2.RunIdentifier(org="local", project=self.project, domain=DOMAIN, name=name)

    def task_id(self, name: str, version: str = "v1") -> Any:
        return task_definition_pb2.TaskIdentifier(
            org="local", project=self.project, domain=DOMAIN, name=name, version=version
        )

    def child(self, parent: Any, name: str) -> Any:
        """An action below `a0` that sleeps; its specification is the caller's to fill in."""
        return actions_service_pb2.Action(
            action_id=identifier_pb2.ActionIdentifier(run=parent.run, name=name), parent_action_name=parent.name
        )

    async def start(self, seconds: float) -> Any:
        """A run that sleeps; its root's identifier."""
        run = await self.backend.create_run(
            run_id=self.run_id(), task_spec=sleep_spec(self.task_id("verbs.sleep")), inputs=sleep_inputs(seconds)
        )
        return run.action.id


class Place:
    """Where a bench's coroutines run: a loop of their own, or the embedded backend's."""

    def __init__(self, make: Callable[[], BackendClient], loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._make = make
        self._loop = loop
        self.project = f"verbs-{uuid.uuid4().hex[:8]}"

    def __call__(self, act: Callable[[Bench], Awaitable[None]]) -> None:
        async def main() -> None:
            async with self._make() as backend:
                try:
                    await backend.get_project(project_id=self.project)
                except errors.NotFound:
                    project = project_service_pb2.Project(id=self.project, name=self.project)
                    await backend.create_project(project=project)
                await asyncio.wait_for(act(Bench(backend, self.project)), PATIENCE)

        if self._loop is None:
            asyncio.run(main())
        else:
            asyncio.run_coroutine_threadsafe(main(), self._loop).result(2 * PATIENCE)
