"""The elements of a mapped task: what each is given, and how it is told which one it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from flyteidl.core import literals_pb2

from flyte_bridge.driver import child_actions, execution_overrides, task_time
from flyte_bridge.driver.nodes import task
from flyte_bridge.driver.scope import NodeUnderWay
from flyte_bridge_translators.wire import identifier, plugin, process

if TYPE_CHECKING:
    from typing import Protocol

    from flyteidl2.core import tasks_pb2 as v2_tasks_pb2
    from flyteidl2.task import task_definition_pb2

    from flyte_bridge_translators.flyte1.nodes import ArrayNode, TaskNode

    class Item(Protocol):
        """Makes the inputs of one element, its items in lists of one if `listed`."""

        def __call__(self, mapped: list[str], index: int, *, listed: bool) -> literals_pb2.LiteralMap: ...


INDEX, INDEX_NAME, OFFSET = "FLYTE_K8S_ARRAY_INDEX", "BATCH_JOB_ARRAY_INDEX_VAR_NAME", "BATCH_JOB_ARRAY_INDEX_OFFSET"
"""What flytekit's `pyflyte-map-execute` adds up to the place of its element in the inputs it reads (`_compute_array_job_index`):
the value of the variable that the second one names, and the third."""

SHARED = 64 * 1024
"""Bytes of inputs that all elements share above which they are stored once rather than with each element."""

BEGINNING = 64
"""Elements of which messages are on their way at once; any number may run. It bounds the driver's memory."""


class ElementTasks:
    """The elements of a mapped task."""

    def __init__(
        self,
        step: NodeUnderWay[ArrayNode],
        inner: TaskNode,
        item: Item,
        mapped: list[str],
        inputs: literals_pb2.LiteralMap,
    ) -> None:
        self.step = step
        self.inner = inner
        self.item = item
        self.mapped = mapped
        self.inputs = inputs
        self.template = task.effective(NodeUnderWay(step.scope, inner, step.uid, inputs))
        self.mapping = not (step.node.individual_inputs or step.node.original_interface)
        if self.mapping:
            _one_output(self.template)
        shared = sum(one.ByteSize() for name, one in inputs.literals.items() if name not in mapped)
        self.whole = self.mapping and shared > SHARED and not self.template.metadata.discoverable
        self._stored: asyncio.Future[str] | None = None
        self._beginning = asyncio.Semaphore(BEGINNING)

    async def run(self, index: int, uid: str) -> literals_pb2.LiteralMap:
        """Run one element.

        Raises:
            NodeError: It failed.
        """
        if self.template.type == plugin.ECHO:
            return self._echo(index)

        async def begin(name: str, retries: int) -> str | None:
            async with self._beginning:
                return await self._begin(index, uid, name, retries)

        prefix = await task_time.run(self.step.execution, uid, self.template.metadata, begin)
        return await task.results(self._own(index, uid), self.template, prefix)

    def _own(self, index: int, uid: str) -> NodeUnderWay[TaskNode]:
        """The element as a node of its own."""
        inputs = self.inputs if self.whole else self.item(self.mapped, index, listed=self.mapping)
        return NodeUnderWay(self.step.scope, self.inner, uid, inputs)

    async def _begin(self, index: int, uid: str, name: str, retries: int) -> str | None:
        own = self._own(index, uid)
        return await child_actions.begin(
            self.step.execution,
            uid,
            self._spec(index, retries),
            own.inputs,
            group=self.step.uid,
            cache_key=task.cache_key(self.template),
            run_spec=execution_overrides.own_run_spec(own),
            inputs_uri=await self._inputs_uri() if self.whole else "",
            name=name,
        )

    def _spec(self, index: int, retries: int) -> task_definition_pb2.TaskSpec:
        spec = task.spec(self.step.execution, self.template, retries)
        if self.mapping:
            # flytekit adds the two up to the place in what it reads; the index alone is what a user's code may look at
            offset = 0 if self.whole else -index
            variables = {INDEX_NAME: INDEX, INDEX: str(index), OFFSET: str(offset)}
            process.add(spec.task_template, variables)
        return spec

    async def _inputs_uri(self) -> str:
        """Where the inputs of all elements lie; the first element stores them."""
        if self._stored is None:
            self._stored = asyncio.ensure_future(self._store())
        return await asyncio.shield(self._stored)

    async def _store(self) -> str:
        execution = self.step.execution
        uri = f"{execution.place(identifier.action_name(self.step.uid))}/inputs.pb"
        await child_actions.write(execution, uri, self.inputs, self.step.uid)
        return uri

    def _echo(self, index: int) -> literals_pb2.LiteralMap:
        inputs = self.item(self.mapped, index, listed=False)
        taken, given = sorted(inputs.literals), sorted(one.key for one in self.template.interface.outputs.variables)
        named = {name: inputs.literals[value] for name, value in zip(given, taken, strict=False)}
        return literals_pb2.LiteralMap(literals=named)


def _one_output(template: v2_tasks_pb2.TaskTemplate) -> None:
    """Declare what an element puts out, where the template declares the lists that the array does."""
    for entry in template.interface.outputs.variables:
        if entry.value.type.HasField("collection_type"):
            member = type(entry.value.type)()
            member.CopyFrom(entry.value.type.collection_type)
            entry.value.type.CopyFrom(member)
