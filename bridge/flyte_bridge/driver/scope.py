"""One workflow under way: which node starts when, whose inputs come from where, what becomes of a failure.

A node starts as soon as what it waits for has ended, whatever else still runs. The rules are flytepropeller's
(`nodes/executor.go`, `nodes/predicate.go`, `workflow/executor.go`, 1.16).
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from flyte_bridge.driver import binding, child_actions, failure
from flyte_bridge.driver.execution import StopReason
from flyte_bridge.driver.timing import timed
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1 import bindings
from flyte_bridge_translators.flyte1.names import BAD_SPECIFICATION, END, START
from flyte_bridge_translators.flyte1.nodes import Node
from flyte_bridge_translators.graph.ready import Cycle, Ready
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from flyteidl.core import literals_pb2, types_pb2

    from flyte_bridge.driver.closure import Tables
    from flyte_bridge.driver.execution import Execution
    from flyte_bridge_translators.flyte1.bindings import Binding
    from flyte_bridge_translators.flyte1.closure import Workflow

N_co = TypeVar("N_co", bound=Node, covariant=True)


class NodeEnd(Enum):
    """How a node has ended."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class NodeUnderWay(Generic[N_co]):
    """One node under way.

    Attributes:
        scope: The workflow it belongs to.
        node: The closure's.
        uid: Its id, unique in the execution.
        inputs: Its inputs.
        attempt: Which of the driver's own attempts this is, from 0; a task's are the backend's to count.
    """

    scope: WorkflowCall
    node: N_co
    uid: str
    inputs: literals_pb2.LiteralMap
    attempt: int = 0

    @property
    def execution(self) -> Execution:
        """What it shares with all other nodes."""
        return self.scope.execution


class WorkflowCall:
    """A workflow, with the inputs of one call of it."""

    def __init__(
        self,
        execution: Execution,
        workflow: Workflow,
        tables: Tables,
        inputs: literals_pb2.LiteralMap,
        *,
        uid: str = "",
        attempt: int = 0,
    ) -> None:
        """Prepares; `run` runs.

        Args:
            execution: What all nodes share.
            workflow: It.
            tables: What its closure refers to.
            inputs: The workflow's inputs.
            uid: Unique id of the node this stands for; empty for the execution's own workflow.
            attempt: That node's, from 0.
        """
        self.execution = execution
        self.workflow = workflow
        self.tables = tables
        self.uid = uid
        self.attempt = attempt
        self.nodes = {node.id: node for node in workflow.nodes}
        self.states: dict[str, NodeEnd] = {}
        self._outputs: dict[str, Mapping[str, literals_pb2.Literal]] = {START: inputs.literals}
        self._waiters: dict[str, asyncio.Future[NodeEnd]] = {}
        self._error: NodeError | None = None
        self._uses: Counter[str] = Counter()

    # -- as a whole ---------------------------------------------------------------------------------------------------

    async def run(self) -> literals_pb2.LiteralMap:
        """Run it to its end.

        Returns:
            The workflow's outputs.

        Raises:
            NodeError: A node failed: the first one to do so, or the failure node.
        """
        try:
            await self._all()
            return await self._result()
        except NodeError as error:
            if self.workflow.failure is not None:
                await self._on_failure(self.workflow.failure, error)
            raise

    async def _result(self) -> literals_pb2.LiteralMap:
        types = {name: variable.type for name, variable in self.workflow.interface.outputs.variables.items()}
        return await self.resolve(self.workflow.outputs, END, types)

    async def _on_failure(self, node: Node, error: NodeError) -> None:
        """Run the failure node; when it fails itself, its failure is the workflow's (`handleFailureNode`)."""
        uid, types = self.unique(node.id), self.tables.closure.input_types(node)

        async def inputs() -> literals_pb2.LiteralMap:
            given = await self.resolve(node.bindings, uid, types)
            failure.error_input(given, types, error)
            return given

        await self.run_node(node, uid, inputs)

    # -- nodes --------------------------------------------------------------------------------------------------------

    async def _all(self) -> None:
        """Run all nodes, each as soon as it may."""
        self._count_uses()
        graph = self.tables.graph(self.workflow)
        try:
            ready: Ready[Node] = Ready(graph)
        except Cycle as error:
            raise NodeError(
                f"the nodes {error} wait for each other; register the workflow again",
                code=BAD_SPECIFICATION,
                node=str(error.path[0]),
                kind="SYSTEM",
            ) from error
        ended: asyncio.Queue[tuple[Node, asyncio.Task[NodeEnd]]] = asyncio.Queue()
        running: set[asyncio.Task[NodeEnd]] = set()
        waiting = deque(ready.first())
        try:
            while waiting or running:
                while waiting:
                    node = waiting.popleft()
                    if not all(self.states[before.id] is NodeEnd.SUCCEEDED for before in ready.before(node)):
                        self._settle(node, NodeEnd.SKIPPED)
                        waiting.extend(ready.ended(node))
                        continue
                    task = asyncio.ensure_future(self._one(node))
                    running.add(task)
                    task.add_done_callback(partial(_announce, ended, node))
                if not running:
                    break
                node, task = await ended.get()
                running.discard(task)
                self._settle(node, self._state(task))
                if self._error is not None and not self.execution.goes_on:
                    break
                waiting.extend(ready.ended(node))
        finally:
            await _cancel(running)
        if self._error is not None:
            raise self._error

    def _state(self, task: asyncio.Task[NodeEnd]) -> NodeEnd:
        try:
            return task.result()
        except NodeError as error:
            if self._error is None:
                self._error = error
            return NodeEnd.FAILED
        except Exception:
            # the backend is gone, or we have a defect: what runs goes on, and the driver's next attempt finds it
            self.execution.ending = self.execution.ending or StopReason.INTERRUPTED
            raise

    async def _one(self, node: Node) -> NodeEnd:
        try:
            outputs = await self.run_node(node, self.unique(node.id))
        finally:
            self._release(node)
        self._outputs[node.id] = outputs.literals
        if not self._uses[node.id]:
            del self._outputs[node.id]
        return NodeEnd.SUCCEEDED

    async def run_node(
        self, node: Node, uid: str, inputs: Callable[[], Awaitable[literals_pb2.LiteralMap]] | None = None
    ) -> literals_pb2.LiteralMap:
        """Run a node whose time has come.

        Args:
            node: Of this workflow or of an arm of one of its branches.
            uid: Its id, unique in the execution.
            inputs: Makes its inputs; by default its bindings do.

        Returns:
            Its outputs.

        Raises:
            NodeError: It failed.
        """
        journal = self.execution.journal
        journal.began(uid, node)
        try:
            given = await (inputs() if inputs is not None else self._inputs_of(node, uid))
            step = NodeUnderWay(self, node, uid, given)
            source = self.execution.source
            taken = await source.outputs(step) if source is not None else None
            outputs = taken if taken is not None else await timed(step)
        except NodeError as error:
            error.node = error.node or uid
            journal.ended(uid, "failed", failure.text(error))
            if error.node == uid:  # else it is a node beneath it that has failed, and shows it
                await child_actions.record_failure(self.execution, uid, error, group=self.uid)
            raise
        except asyncio.CancelledError:
            journal.ended(uid, "aborted")
            raise
        journal.ended(uid, "succeeded")
        return outputs

    async def _inputs_of(self, node: Node, uid: str) -> literals_pb2.LiteralMap:
        return await self.resolve(node.bindings, uid, self.tables.closure.input_types(node))

    async def resolve(
        self, wanted: Iterable[Binding], node: str, types: Mapping[str, types_pb2.LiteralType] | None
    ) -> literals_pb2.LiteralMap:
        """What bindings of this workflow stand for.

        Raises:
            NodeError: A promise cannot be kept.
        """
        return await binding.resolve(
            wanted, self._outputs.__getitem__, node=node, read=self.execution.storage.read, types=types
        )

    def unique(self, node_id: str) -> str:
        """The unique id of a node of this workflow."""
        return identifier.unique_id(self.uid, self.attempt, node_id)

    async def settled(self, node_id: str) -> NodeEnd:
        """How a node ended; waits for it. An arm of a branch may need nodes that its branch does not wait for."""
        if node_id in self.states:
            return self.states[node_id]
        if node_id not in self._waiters:
            self._waiters[node_id] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._waiters[node_id])

    def upstream(self, node: Node) -> list[str]:
        """The nodes of this workflow that a node, also one in an arm, waits for."""
        return sorted(name for name in node.upstream if name in self.nodes)

    def _settle(self, node: Node, state: NodeEnd) -> None:
        self.states[node.id] = state
        if state is NodeEnd.SKIPPED:
            self._release(node)
            self.execution.journal.skipped(self.unique(node.id), node)
        waiter = self._waiters.pop(node.id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(state)

    # -- outputs are kept while somebody may still need them ----------------------------------------------------------

    def _count_uses(self) -> None:
        for node in self.nodes.values():
            self._uses.update(node.sources())
        self._uses.update(bindings.nodes(self.workflow.outputs))

    def _release(self, node: Node) -> None:
        for source in node.sources():
            self._uses[source] -= 1
            if not self._uses[source]:
                self._outputs.pop(source, None)


def _announce(
    ended: asyncio.Queue[tuple[Node, asyncio.Task[NodeEnd]]], node: Node, task: asyncio.Task[NodeEnd]
) -> None:
    ended.put_nowait((node, task))


async def _cancel(tasks: Iterable[asyncio.Task[NodeEnd]]) -> None:
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
