"""Array nodes: one action per element of a mapped task, one child execution per element of a mapped launch plan.

The rules are flytepropeller's (`nodes/array/handler.go`, `node_execution_context.go`, 1.16), with these differences:

| Where | flytepropeller | Here |
|---|---|---|
| a mapped task's inputs | each element gets all elements' inputs, and its index | its own element, as a list of one |
| a failed array | no code, kind UNKNOWN | code and kind of the first element that failed |
| `min_success_ratio` of 0.8 and 10 elements | 9, since the message holds 0.8 as 0.800000012 | 8, as in flytekit's local execution |
| elements of a launch plan that may fail | the array does not end well | none, as for tasks |
| `run_all_sub_nodes` | not looked at | the others go on when the array is lost already |
| a mapped task with individual input files | not looked at | its own element, as itself |

The first lets the backend's cache find an element whatever list it is in, and spares each element from reading all the
others' inputs. Inputs that all elements share and that are large are not copied: then flytepropeller's way is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Any

from flyteidl.core import literals_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.workflow import run_definition_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.driver import child_actions, elements, failure
from flyte_bridge.driver.nodes import launch_plan
from flyte_bridge.driver.scope import NodeUnderWay, WorkflowCall
from flyte_bridge.errors import BackendError, NodeError
from flyte_bridge_translators.flyte1.names import BAD_SPECIFICATION, RUNTIME_EXECUTION
from flyte_bridge_translators.flyte1.nodes import ArrayNode, LaunchPlanNode, SubWorkflowNode, TaskNode
from flyte_bridge_translators.wire import error_document, identifier
from flyte_bridge_translators.wire.phase import GOOD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

INVALID_LENGTH = "InvalidArrayLength"
"""Flyte 1's code of mapped inputs that do not fit together."""

SUMMARY = 100 * 1024
"""Bytes of an array's error message (`events.MaxErrorMessageLength`)."""


async def run(step: NodeUnderWay[ArrayNode]) -> literals_pb2.LiteralMap:
    """Run all elements, and collect what they put out.

    Raises:
        NodeError: The inputs do not fit together, or too many elements failed.
    """
    execution, name = step.execution, identifier.action_name(step.uid)
    found = await _earlier(step, name)
    if found is not None:
        return found
    trace = run_definition_pb2.TraceAction(name=step.node.id)
    trace.start_time.GetCurrentTime()
    # with a bound of its own, the array counts as one node; without, its elements are bounded as nodes are
    async with execution.room() if _counts_as_one(step.node) else contextlib.nullcontext():
        try:
            outputs = await _Array(step).run()
        except NodeError as error:
            trace.phase = phase_pb2.ACTION_PHASE_FAILED
            await _record(step, trace, error_document.NAME, failure.document(error))
            raise
    trace.phase = phase_pb2.ACTION_PHASE_SUCCEEDED
    await _record(step, trace, "outputs.pb", outputs)
    return outputs


def _counts_as_one(array: ArrayNode) -> bool:
    """Whether the array takes one place of `max_parallelism` and its elements none; nested workflows' nodes take their own."""
    return array.parallelism is not None and not _nested(array)


def _nested(array: ArrayNode) -> bool:
    """Whether each element runs nodes of its own."""
    return isinstance(array.element, SubWorkflowNode)


async def _earlier(step: NodeUnderWay[ArrayNode], name: str) -> literals_pb2.LiteralMap | None:
    """The outputs that an earlier attempt of the driver, or the run that is recovered, has recorded."""
    execution = step.execution
    prefix = ""
    if execution.children.known(name):
        update = await child_actions.end(execution, name)
        prefix = str(update.output_uri) if update.phase in GOOD else ""
    else:
        prefix = await child_actions.taken_over(execution, step.uid, name, step.scope.uid) or ""
    return await child_actions.outputs(execution, prefix, step.uid) if prefix else None


async def _record(
    step: NodeUnderWay[ArrayNode], trace: run_definition_pb2.TraceAction, file: str, message: Message
) -> None:
    """Note the array's end, so that readers find its outputs without those of its elements."""
    execution, name = step.execution, identifier.action_name(step.uid)
    trace.end_time.GetCurrentTime()
    await child_actions.write(execution, f"{execution.place(name)}/{file}", message, step.uid)
    trace.outputs.output_uri = f"{execution.place(name)}/outputs.pb"
    await child_actions.record(execution, step.uid, trace, group=step.scope.uid)


class _Array:
    """One array node under way."""

    def __init__(self, step: NodeUnderWay[ArrayNode]) -> None:
        self.step = step
        self.execution = step.execution
        self.array = step.node
        self.inputs = literals_pb2.LiteralMap()
        self.inputs.CopyFrom(step.inputs)
        self.results: dict[int, literals_pb2.LiteralMap] = {}
        self.failures: dict[int, NodeError] = {}
        self.first: NodeError | None = None

    async def run(self) -> literals_pb2.LiteralMap:
        await self._load()
        mapped = self._mapped()
        size = self._size(mapped)
        element = self._runner(mapped)
        try:
            await self._all(size, element)
        finally:
            self.execution.journal.noted(self.step.uid, f"{len(self.results)} of {size}")
        return self._collect(size)

    # -- inputs -------------------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        """Read mapped inputs that were offloaded: their elements have to be taken apart."""
        bound = set(self.array.bound_inputs)
        for name, literal in self.inputs.literals.items():
            if name in bound or not literal.HasField("offloaded_metadata"):
                continue
            uri = literal.offloaded_metadata.uri
            try:
                literal.ParseFromString(await self.execution.storage.read(uri))
            except (BackendError, DecodeError) as error:
                message = f"couldn't read the offloaded literal {uri} of input {name}: {error}"
                raise NodeError(message, code=RUNTIME_EXECUTION, node=self.step.uid, kind="SYSTEM") from error

    def _mapped(self) -> list[str]:
        """Names of the inputs that have an item for each element."""
        bound = set(self.array.bound_inputs)
        return sorted(
            name for name, one in self.inputs.literals.items() if name not in bound and one.HasField("collection")
        )

    def _size(self, mapped: list[str]) -> int:
        sizes = {name: len(self.inputs.literals[name].collection.literals) for name in mapped}
        if not sizes:
            if len(self.array.bound_inputs) == len(self.inputs.literals):
                return 1
            raise NodeError("no input array provided", code=INVALID_LENGTH, node=self.step.uid)
        if len(set(sizes.values())) > 1:
            listed = ", ".join(f"{name} has {size}" for name, size in sizes.items())
            raise NodeError(
                f"input arrays have different lengths: {listed}; a map takes lists of one length",
                code=INVALID_LENGTH,
                node=self.step.uid,
            )
        return next(iter(sizes.values()))

    def _item(self, mapped: list[str], index: int, *, listed: bool) -> literals_pb2.LiteralMap:
        """The inputs of one element: its items, in lists of one if `listed`, and what all share."""
        result = literals_pb2.LiteralMap()
        for name, literal in self.inputs.literals.items():
            if name not in mapped:
                result.literals[name].CopyFrom(literal)
            elif listed:
                result.literals[name].collection.literals.add().CopyFrom(literal.collection.literals[index])
            else:
                result.literals[name].CopyFrom(literal.collection.literals[index])
        return result

    # -- elements -----------------------------------------------------------------------------------------------------

    def _runner(self, mapped: list[str]) -> Callable[[int, str], Awaitable[literals_pb2.LiteralMap]]:
        """What runs an element, by its index and unique id."""
        inner = self.array.element
        match inner:
            case TaskNode():
                return elements.ElementTasks(self.step, inner, self._item, mapped, self.inputs).run
            case LaunchPlanNode(launch_plan=launched):

                async def child(index: int, uid: str) -> literals_pb2.LiteralMap:
                    inputs = self._item(mapped, index, listed=False)
                    own = NodeUnderWay(self.step.scope, inner, uid, inputs)
                    return await launch_plan.launch(own, launched, uid, inputs, group=self.step.uid)

                return child
            case SubWorkflowNode():
                tables = self.step.scope.tables
                workflow = tables.workflow(inner.workflow, self.step.uid)

                async def nested(index: int, uid: str) -> literals_pb2.LiteralMap:
                    inputs = self._item(mapped, index, listed=False)
                    return await WorkflowCall(self.execution, workflow, tables, inputs, uid=uid).run()

                return nested
        message = "an array node maps a task, a launch plan or a sub-workflow; this one maps something else"
        raise NodeError(message, code=BAD_SPECIFICATION, node=self.step.uid, kind="SYSTEM")

    async def _all(self, size: int, element: Callable[[int, str], Awaitable[literals_pb2.LiteralMap]]) -> None:
        """Run the elements, as many at once as may be, until all have ended or too many have failed.

        Raises:
            NodeError: Too many have failed.
        """
        needed = self._needed(size)
        places = iter(range(size))
        lost = asyncio.Event()

        async def work_off() -> None:
            for index in places:
                if lost.is_set() and not self.array.run_all:
                    return
                uid = identifier.element_id(self.step.uid, index, self.step.attempt)
                try:
                    async with self._room():
                        self.results[index] = await element(index, uid)
                except NodeError as error:
                    self.first = self.first or error
                    self.failures[index] = error
                    if size - len(self.failures) < needed:
                        lost.set()

        workers = [asyncio.ensure_future(work_off()) for _ in range(min(size, self._at_once(size)))]
        everything = asyncio.gather(*workers)
        stopped = asyncio.ensure_future(lost.wait())
        watched: set[asyncio.Future[Any]] = {everything}
        if not self.array.run_all:
            watched.add(stopped)
        try:
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if everything.done():
                everything.result()
        finally:
            await _cancel([*workers, stopped])
        if lost.is_set():
            raise self._summary()

    def _needed(self, size: int) -> int:
        """How many elements have to succeed."""
        if self.array.min_successes is not None:
            return self.array.min_successes
        if self.array.min_success_ratio is not None:
            # the message has 32 bits for what the user wrote in decimals
            return math.ceil(round(self.array.min_success_ratio, 6) * size)
        return size

    def _at_once(self, size: int) -> int:
        return self.array.parallelism or size

    def _room(self) -> contextlib.AbstractAsyncContextManager[None]:
        if _counts_as_one(self.array) or _nested(self.array):
            return contextlib.nullcontext()
        return self.execution.room()

    def _summary(self) -> NodeError:
        """The array's failure: each message with the places of the elements that have it."""
        places: dict[str, list[int]] = {}
        for index, error in sorted(self.failures.items()):
            places.setdefault(str(error), []).append(index)
        text = ""
        for message, indices in sorted(places.items()):
            text += f"{_ranges(indices)}: {message}\n"
            if len(text) >= SUMMARY:
                text = f"{text[:SUMMARY]}... and many more."
                break
        assert self.first is not None
        return NodeError(text, code=self.first.code, node=self.step.uid, kind=self.first.kind)

    # -- outputs ------------------------------------------------------------------------------------------------------

    def _collect(self, size: int) -> literals_pb2.LiteralMap:
        """One collection per output; a failed element is none in each."""
        names = {name for outputs in self.results.values() for name in outputs.literals}
        interface = self.step.scope.tables.closure.interface_of(self.array.element)
        if interface is not None:
            names |= set(interface.outputs.variables)
        result = literals_pb2.LiteralMap()
        for name in sorted(names):
            members = result.literals[name].collection
            members.SetInParent()
            for index in range(size):
                outputs = self.results.get(index)
                if outputs is not None and name in outputs.literals:
                    members.literals.add().CopyFrom(outputs.literals[name])
                else:
                    members.literals.add().scalar.none_type.SetInParent()
        return result


def _ranges(indices: list[int]) -> str:
    """`[0][3-5]`, as flytepropeller's `errorcollector` writes it."""
    parts: list[tuple[int, int]] = []
    for index in indices:
        if parts and index == parts[-1][1] + 1:
            parts[-1] = (parts[-1][0], index)
        else:
            parts.append((index, index))
    return "".join(f"[{first}]" if first == last else f"[{first}-{last}]" for first, last in parts)


async def _cancel(tasks: list[asyncio.Future[Any]]) -> None:
    for one in tasks:
        one.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
