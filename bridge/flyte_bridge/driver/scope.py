"""One workflow under way: which node starts when, whose inputs come from where, what becomes of a failure.

A node starts as soon as what it waits for has ended, whatever else still runs. The rules are flytepropeller's
(`nodes/executor.go`, `nodes/predicate.go`, `workflow/executor.go`, 1.16).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import partial
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from flyteidl.core import literals_pb2, workflow_pb2

from flyte_bridge.driver import binding, child_actions, failure
from flyte_bridge.driver.execution import Ending
from flyte_bridge.driver.nodes import arms
from flyte_bridge.driver.timing import timed
from flyte_bridge.errors import NodeError
from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    from flyte_bridge.driver.closure import Tables
    from flyte_bridge.driver.execution import Execution

START, END = "start-node", "end-node"

BAD_SPECIFICATION = "BadSpecificationError"
"""Flyte 1's code of a closure that cannot be run as it is."""

FAIL_AFTER_EXECUTABLE = workflow_pb2.WorkflowMetadata.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE


class State(Enum):
    """How a node has ended."""

    SUCCEEDED = "succeeded"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Step:
    """One node under way.

    Attributes:
        scope: The workflow it belongs to.
        node: The closure's `Node`.
        uid: Its id, unique in the execution.
        inputs: Its inputs.
        attempt: Which of the driver's own attempts this is, from 0; a task's are the backend's to count.
    """

    scope: Scope
    node: Any
    uid: str
    inputs: literals_pb2.LiteralMap
    attempt: int = 0

    @property
    def execution(self) -> Execution:
        """What it shares with all other nodes."""
        return self.scope.execution


class Scope:
    """A workflow, with the inputs of one call of it."""

    def __init__(
        self,
        execution: Execution,
        workflow: Any,
        tables: Tables,
        inputs: literals_pb2.LiteralMap,
        *,
        uid: str = "",
        attempt: int = 0,
    ) -> None:
        """Prepares; `run` runs.

        Args:
            execution: What all nodes share.
            workflow: A compiled `WorkflowTemplate`.
            tables: The closure's tasks, sub-workflows and launch plans.
            inputs: The workflow's inputs.
            uid: Unique id of the node this stands for; empty for the execution's own workflow.
            attempt: That node's, from 0.
        """
        self.execution = execution
        self.workflow = workflow
        self.tables = tables
        self.uid = uid
        self.attempt = attempt
        self.nodes = {node.id: node for node in workflow.nodes if node.id not in {START, END}}
        self.states: dict[str, State] = {}
        self._outputs: dict[str, Mapping[str, Any]] = {START: inputs.literals}
        self._waiters: dict[str, asyncio.Future[State]] = {}
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
            if self.workflow.HasField("failure_node"):
                await self._on_failure(error)
            raise

    async def _result(self) -> literals_pb2.LiteralMap:
        types = {name: variable.type for name, variable in self.workflow.interface.outputs.variables.items()}
        return await self.resolve(self.workflow.outputs, END, types)

    async def _on_failure(self, error: NodeError) -> None:
        """Run the failure node; when it fails itself, its failure is the workflow's (`handleFailureNode`)."""
        node = self.workflow.failure_node
        uid, types = self.unique(node.id), self.tables.input_types(node)

        async def inputs() -> literals_pb2.LiteralMap:
            found = await self.resolve(node.inputs, uid, types)
            failure.error_input(found, types, error)
            return found

        await self.run_node(node, uid, inputs)

    # -- nodes --------------------------------------------------------------------------------------------------------

    async def _all(self) -> None:
        """Run all nodes, each as soon as it may."""
        upstream = {id_: list(_upstream(node, self.nodes)) for id_, node in self.nodes.items()}
        self._count_uses()
        sorter = TopologicalSorter(upstream)
        try:
            sorter.prepare()
        except CycleError as error:
            path = " -> ".join(error.args[1])
            raise NodeError(
                f"the nodes {path} wait for each other; register the workflow again",
                code=BAD_SPECIFICATION,
                node=error.args[1][0],
                kind="SYSTEM",
            ) from error
        ended: asyncio.Queue[tuple[str, asyncio.Task[State]]] = asyncio.Queue()
        running: set[asyncio.Task[State]] = set()
        try:
            while sorter.is_active():
                for id_ in sorter.get_ready():
                    if not self._may_start(upstream[id_]):
                        self._settle(id_, State.SKIPPED)
                        sorter.done(id_)
                        continue
                    task = asyncio.ensure_future(self._one(self.nodes[id_]))
                    running.add(task)
                    task.add_done_callback(partial(_announce, ended, id_))
                if not running:
                    continue
                id_, task = await ended.get()
                running.discard(task)
                self._settle(id_, self._state(task))
                sorter.done(id_)
                if self._error is not None and not self._goes_on_after_failure:
                    break
        finally:
            await _cancel(running)
        if self._error is not None:
            raise self._error

    def _may_start(self, upstream: Iterable[str]) -> bool:
        return all(self.states[id_] is State.SUCCEEDED for id_ in upstream)

    def _state(self, task: asyncio.Task[State]) -> State:
        try:
            return task.result()
        except NodeError as error:
            if self._error is None:
                self._error = error
            return State.FAILED
        except Exception:
            # the backend is gone, or we have a defect: what runs goes on, and the driver's next attempt finds it
            self.execution.ending = self.execution.ending or Ending.INTERRUPTED
            raise

    @property
    def _goes_on_after_failure(self) -> bool:
        return bool(self.execution.failure_policy == FAIL_AFTER_EXECUTABLE)

    async def _one(self, node: Any) -> State:
        try:
            outputs = await self.run_node(node, self.unique(node.id))
        finally:
            self._release(node)
        self._outputs[node.id] = outputs.literals
        if not self._uses[node.id]:
            del self._outputs[node.id]
        return State.SUCCEEDED

    async def run_node(self, node: Any, uid: str, inputs: Callable[[], Awaitable[Any]] | None = None) -> Any:
        """Run a node whose time has come.

        Args:
            node: The closure's `Node`, of this workflow or of an arm of one of its branches.
            uid: Its id, unique in the execution.
            inputs: Makes its inputs; by default its bindings do.

        Returns:
            Its outputs, a `LiteralMap`.

        Raises:
            NodeError: It failed.
        """
        journal = self.execution.journal
        journal.began(uid, node)
        try:
            found = await (inputs() if inputs is not None else self._inputs_of(node, uid))
            outputs = await timed(Step(self, node, uid, found))
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

    async def _inputs_of(self, node: Any, uid: str) -> literals_pb2.LiteralMap:
        return await self.resolve(node.inputs, uid, self.tables.input_types(node))

    async def resolve(
        self, bindings: Iterable[Any], node: str, types: Mapping[str, Any] | None
    ) -> literals_pb2.LiteralMap:
        """What bindings of this workflow stand for.

        Raises:
            NodeError: A promise cannot be kept.
        """
        return await binding.resolve(
            bindings, self._outputs.__getitem__, node=node, read=self.execution.storage.read, types=types
        )

    def unique(self, node_id: str) -> str:
        """The unique id of a node of this workflow."""
        return identifier.unique_id(self.uid, self.attempt, node_id)

    async def settled(self, node_id: str) -> State:
        """How a node ended; waits for it. An arm of a branch may need nodes that its branch does not wait for."""
        if node_id in self.states:
            return self.states[node_id]
        if node_id not in self._waiters:
            self._waiters[node_id] = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._waiters[node_id])

    def upstream(self, node: Any) -> set[str]:
        """The nodes of this workflow that a node waits for, an arm's node included."""
        return set(_upstream(node, self.nodes))

    def _settle(self, node_id: str, state: State) -> None:
        self.states[node_id] = state
        if state is State.SKIPPED:
            self._release(self.nodes[node_id])
            self.execution.journal.skipped(self.unique(node_id), self.nodes[node_id])
        waiter = self._waiters.pop(node_id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(state)

    # -- outputs are kept while somebody may still need them ----------------------------------------------------------

    def _count_uses(self) -> None:
        for node in self.nodes.values():
            self._uses.update(_sources(node))
        self._uses.update({one for bound in self.workflow.outputs for one in _promised(bound.binding)})

    def _release(self, node: Any) -> None:
        for source in _sources(node):
            self._uses[source] -= 1
            if not self._uses[source]:
                self._outputs.pop(source, None)


def _upstream(node: Any, there: Mapping[str, Any]) -> Iterator[str]:
    seen = {*node.upstream_node_ids, *(one for bound in node.inputs for one in _promised(bound.binding))}
    return (id_ for id_ in sorted(seen) if id_ in there)


def _sources(node: Any) -> set[str]:
    """The nodes whose outputs a node takes, itself or in its arms."""
    found = {one for bound in node.inputs for one in _promised(bound.binding)}
    for inner in arms(node):
        found |= _sources(inner)
    return found


def _promised(data: Any) -> Iterator[str]:
    which = data.WhichOneof("value")
    if which == "promise":
        if data.promise.node_id not in {"", START}:
            yield data.promise.node_id
    elif which == "collection":
        for one in data.collection.bindings:
            yield from _promised(one)
    elif which == "map":
        for one in data.map.bindings.values():
            yield from _promised(one)


def _announce(ended: asyncio.Queue[tuple[str, asyncio.Task[State]]], node_id: str, task: asyncio.Task[State]) -> None:
    ended.put_nowait((node_id, task))


async def _cancel(tasks: Iterable[asyncio.Task[State]]) -> None:
    left = [task for task in tasks if not task.done()]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
