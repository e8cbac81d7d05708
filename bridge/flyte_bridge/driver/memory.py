"""Cached dynamic tasks.

A backend remembers what an action puts out, and a dynamic task's action puts out nothing: what its node gives is known only
when the nodes beneath it have ended. So the driver itself asks and tells the cache, as flytepropeller does for the whole
node (`nodes/cache.go`, 1.16). When the cache cannot be reached, the task runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2
from flyteidl2.cacheservice import cacheservice_pb2
from flyteidl2.cacheservice.v2 import cacheservice_pb2 as cacheservice_v2_pb2
from flyteidl2.core import tasks_pb2
from flyteidl2.task import common_pb2

from flyte_bridge.driver import child_actions, recording
from flyte_bridge.errors import BackendError, NodeError
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import Node

HEARTBEAT = 10.0
"""Seconds between two signs of life of whoever computes a result that is to be computed once."""

_log = logging.getLogger("flyte_bridge.driver")


async def remembered(
    step: NodeUnderWay[Node], template: tasks_pb2.TaskTemplate, run: Callable[[], Awaitable[literals_pb2.LiteralMap]]
) -> literals_pb2.LiteralMap:
    """A dynamic task's outputs: those that are remembered, or those of a run, which is then remembered.

    Args:
        step: Its node.
        template: The task. It is changed so that the backend does not cache its action as well.
        run: Runs it.

    Raises:
        NodeError: It ran and failed.
    """
    memory = _Memory(step, template)
    template.metadata.discoverable = False
    if step.execution.children.known(
        identifier.action_name(step.uid)
    ):  # an earlier attempt of the driver had to run it
        return await memory.keep(await run())
    async with memory.turn():
        found = await memory.recall()
        if found is not None:
            await recording.done(step, found)
            return found
        return await memory.keep(await run())


class _Memory:
    """What the cache knows of one call of a task."""

    def __init__(self, step: NodeUnderWay[Node], template: tasks_pb2.TaskTemplate) -> None:
        self.step = step
        self.backend = step.execution.backend
        self.serial = template.metadata.cache_serializable
        self.where = cacheservice_v2_pb2.Identifier(
            org=step.execution.action.run.org, project=template.id.project, domain=template.id.domain
        )
        self.key = _key(template, step.inputs)
        self.owner = f"{step.execution.action.run.name}/{step.uid}"
        spec = step.execution.run_spec
        self.overwrite = bool(step.execution.settings.overwrite_cache or spec.overwrite_cache)

    async def recall(self) -> literals_pb2.LiteralMap | None:
        if self.overwrite:
            return None
        try:
            output = await self.backend.recall(where=self.where, key=self.key)
            return (
                await child_actions.outputs(self.step.execution, output.output_uri, self.step.uid) if output else None
            )
        except (BackendError, NodeError) as error:
            _log.warning("%s: the cache cannot be asked, so the task runs: %s", self.step.uid, error)
            return None

    async def keep(self, outputs: literals_pb2.LiteralMap) -> literals_pb2.LiteralMap:
        execution = self.step.execution
        uri = f"{execution.place(identifier.action_name(self.step.uid))}/outputs.pb"
        output = cacheservice_pb2.CachedOutput(output_uri=uri)
        output.metadata.created_at.GetCurrentTime()
        output.metadata.last_updated_at.CopyFrom(output.metadata.created_at)
        try:
            await child_actions.write(execution, uri, outputs, self.step.uid)
            await self.backend.remember(where=self.where, key=self.key, output=output)
        except (BackendError, NodeError) as error:
            _log.warning("%s: its outputs are not cached: %s", self.step.uid, error)
        return outputs

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One at a time, where the task wants that: waits for whoever else computes the same."""
        if not self.serial:
            yield
            return
        while not await self._mine():
            await asyncio.sleep(HEARTBEAT / 10)
        beating = asyncio.ensure_future(self._beat())
        try:
            yield
        finally:
            beating.cancel()
            with contextlib.suppress(BackendError):
                await self.backend.release(where=self.where, key=self.key, owner=self.owner)

    async def _mine(self) -> bool:
        try:
            held = await self.backend.reserve(where=self.where, key=self.key, owner=self.owner, heartbeat=HEARTBEAT)
        except BackendError as error:
            _log.warning("%s: its turn cannot be reserved, so the task runs: %s", self.step.uid, error)
            return True
        return bool(held.owner_id == self.owner)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            await self._mine()


def _key(template: tasks_pb2.TaskTemplate, inputs: literals_pb2.LiteralMap) -> str:
    """What tells one call's results from another's: name, interface, version and inputs, as for the backend's own keys."""
    from flyte_bridge.backend import hashing

    ordered = common_pb2.Inputs()
    for name in sorted(inputs.literals):
        ordered.literals.add(name=name).value.ParseFromString(
            inputs.literals[name].SerializeToString(deterministic=True)
        )
    hashed = hashing.inputs(ordered, list(template.metadata.cache_ignore_input_vars))
    return hashing.digest(f"node:{hashing.cache_key(template, hashed)}")
