"""Where the code written for a driver waits for something that Flyte 1 does not wait for, and says so (FB211).

Flyte 1 starts each call when its own inputs are there, whatever block or loop it stands in. Straight code loses nothing (see
`graph.calls`); a block, a loop or a comprehension with calls inside is one step to the code around it, so that its calls wait
for whatever any of them needs, and whoever uses one of its results waits for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.block_steps import bound_by
from flyte_bridge_translators.source.driver.blocks import ComprehensionCallee
from flyte_bridge_translators.source.driver.collected_calls import Pending
from flyte_bridge_translators.source.driver.for_loops import ForStep, LoopCallee
from flyte_bridge_translators.source.driver.steps import (
    BlockStep,
    BranchStep,
    CallStep,
    PlainStep,
    Read,
    ReturnStep,
    Step,
)
from flyte_bridge_translators.source.engine import reading

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.scene import Scene
    from flyte_bridge_translators.source.driver.shape import Shape

_LISTS = (ComprehensionCallee, LoopCallee, Pending)
"""Callees whose result is a list that Flyte 1 never saw as a whole: its elements are the results of calls of their own."""


def report(scene: Scene, top: Shape) -> None:
    """Reports each place of a driver where a call may start later than in Flyte 1, once per line.

    Args:
        scene: The driver; its shapes are settled.
        top: The shape of its body.
    """
    Waits(scene, top).report()


class Waits:
    """What the steps of one driver wait for, in the code written and in Flyte 1."""

    def __init__(self, scene: Scene, top: Shape) -> None:
        self.scene = scene
        self.holder: dict[Step, Step] = {}
        self.before: dict[Step, list[Step]] = {}
        self.needed: dict[Step, list[Step]] = {}
        self.readers: dict[Step, list[tuple[Step, Read]]] = {}
        self.calls: list[Step] = []
        self.told: set[cst.CSTNode] = set()
        self._add(top, None)
        for step in [*self.before]:
            for read in step.reads:
                if read.source is not None and not self._within(step, read.source):
                    self.readers.setdefault(read.source, []).append((step, read))

    # -- what waits for what -----------------------------------------------------------------------------------------

    def _add(self, shape: Shape, holder: Step | None) -> None:
        barrier: list[Step] = []
        for segment in shape.segments:
            steps = [*segment.steps, *([segment.end] if segment.end is not None else [])]
            for step in steps:
                if holder is not None:
                    self.holder[step] = holder
                ordered = list(barrier)
                if step is segment.end and isinstance(step, BlockStep):
                    ordered += segment.steps
                self._step(step, ordered)
            if segment.end is not None and not (isinstance(segment.end, BlockStep) and _only_leaves(segment.end)):
                barrier.append(segment.end)
            barrier += segment.steps

    def _step(self, step: Step, ordered: list[Step]) -> None:
        data = [read.source for read in step.reads if read.source is not None]
        conflicts: list[Step] = []
        if isinstance(step, BlockStep):
            for name, before, readers in step.conflicts:
                if not (isinstance(before, BlockStep) and name in before.private):
                    conflicts += [one for one in (before, *readers) if one is not None]
        self.before[step] = [*data, *step.after, *step.follows, *conflicts, *ordered]
        # calls that change a variable are awaited in their order, which `body` has said
        in_order = isinstance(step, PlainStep) and step.in_place > 0
        asked = step.after if in_order or isinstance(step, (CallStep, BranchStep)) else []
        self.needed[step] = [*data, *asked]
        inner = inner_shapes(step)
        if inner:
            # What a loop goes over is a list of promises in Flyte 1, and there at once; a condition is waited for.
            own = {id(read) for shape in inner for read in _reads(shape)}
            waited = not isinstance(step, (ForStep, CallStep))
            header = [read.source for read in step.reads if read.source is not None and id(read) not in own]
            self.needed[step] = header if waited else []
            for shape in inner:
                self._add(shape, step)
        elif step.cost:
            self.calls.append(step)

    def _within(self, step: Step, holder: Step) -> bool:
        current: Step | None = step
        while current is not None:
            if current is holder:
                return True
            current = self.holder.get(current)
        return False

    def _holders(self, step: Step) -> Iterator[Step]:
        current = self.holder.get(step)
        while current is not None:
            yield current
            current = self.holder.get(current)

    def _closure(self, start: list[Step], edges: dict[Step, list[Step]]) -> set[Step]:
        found: set[Step] = set()
        stack = list(start)
        while stack:
            step = stack.pop()
            if step not in found:
                found.add(step)
                stack += edges.get(step, ())
        return found

    def _awaited(self, call: Step) -> set[Step]:
        """What has ended when a call starts."""
        start = list(self.before[call])
        for holder in self._holders(call):
            start += self.before[holder]
        return self._closure(start, self.before)

    def _wanted(self, call: Step) -> set[Step]:
        """What a call needs in Flyte 1: its inputs, and what decides whether it runs."""
        start = list(self.needed[call])
        for holder in self._holders(call):
            start += self.needed[holder]
        return self._closure(start, self._edges)

    @cached_property
    def _edges(self) -> dict[Step, list[Step]]:
        return {step: [*self.needed[step], *self._inputs_of(step)] for step in self.needed}

    def _inputs_of(self, step: Step) -> list[Step]:
        """For a step with steps inside: what those read; who needs the step's results needs theirs."""
        return [read.source for read in step.reads if read.source is not None] if inner_shapes(step) else []

    # -- what is lost --------------------------------------------------------------------------------------------------

    def report(self) -> None:
        """Both kinds: a call that starts late, and a result that is there late."""
        # Where no call is held by a block and nothing is ordered but by promises, nothing waits longer: no need to look.
        for call in self.calls if self._may_wait() else ():
            self._starts(call, self._awaited(call), self._wanted(call))
            if isinstance(call, CallStep) and isinstance(call.callee, Pending):
                for sources in call.callee.calls:
                    self._starts(call, self._awaited(call), self._closure(sources, self._edges))
        for step in self.before:
            if isinstance(step, PlainStep) and step.in_place > 1:
                self._tell(step, "calls that may not run are awaited where they stand, one after the other")
            if step.cost:
                self._results(step)

    def _may_wait(self) -> bool:
        return bool(self.holder) or any(
            len(self.before[step]) > len(self.needed[step]) or isinstance(getattr(step, "callee", None), Pending)
            for step in self.before
        )

    def _starts(self, call: Step, awaited: set[Step], wanted: set[Step]) -> None:
        late = [step for step in awaited if step.cost and step not in wanted and not self._within(call, step)]
        if late:
            first = min(late, key=lambda step: step.index)
            self._tell(call, f"`{call.title}` waits for `{first.title}`, which it does not need")

    def _results(self, step: Step) -> None:
        for reader, read in self.readers.get(step, ()):
            if not self._matters(reader):
                continue
            if isinstance(step, CallStep) and isinstance(step.callee, _LISTS):
                if not self._is_whole(reader, read):
                    self._tell(step, f"whoever uses one result of `{step.title}` waits for all of them")
                elif not self._all_feed(step):
                    self._tell(step, f"whoever uses the results of `{step.title}` waits for every call beside it")
            elif isinstance(step, BlockStep) and not self._binds_last(step, read.name):
                self._tell(step, f"whoever uses `{read.name}` waits for every call of the block that binds it")

    def _matters(self, reader: Step) -> bool:
        """Whether a call hangs on it."""
        if reader.cost:
            return True
        if isinstance(reader, ReturnStep):
            holder = self.holder.get(reader)
            return holder is not None and any(self._matters(one) for one, _ in self.readers.get(holder, ()))
        seen = {reader}
        stack = [reader]
        while stack:
            for after, _ in self.readers.get(stack.pop(), ()):
                if after.cost:
                    return True
                if after not in seen:
                    seen.add(after)
                    stack.append(after)
        return False

    def _is_whole(self, reader: Step, read: Read) -> bool:
        """Whether a list is an input of a call, as it is."""
        parents = self.scene.module.parents
        parent = parents.get(read.node)
        while isinstance(parent, cst.Arg) and isinstance(reader, CallStep):
            call = parents.get(parent)
            if call is reader.call or (isinstance(reader.call, cst.Call) and _called_by(reader.call, call)):
                return True
            break
        return False

    def _all_feed(self, step: CallStep) -> bool:
        """Whether every call of an iteration is needed for the iteration's value."""
        callee = step.callee
        if not isinstance(callee, LoopCallee) or callee.value is None:
            return True
        feeding = self._closure([callee.value], self.needed)
        return all(one in feeding for one in callee.ahead.body.steps if one.cost)

    def _binds_last(self, step: BlockStep, name: str) -> bool:
        """Whether every call of a block is needed for the variable it binds."""
        shapes = inner_shapes(step)
        blocks = [[one for shape in shapes for one in shape.body.steps]]
        if not isinstance(step, ForStep):
            blocks = [shape.body.steps for shape in shapes]
        elif not any(name in shape.body.free for shape in shapes):
            return False
        for steps in blocks:
            binding = [one for one in steps if name in bound_by(one)]
            feeding = self._closure(binding, self.needed)
            if any(one.cost and one not in feeding for one in steps):
                return False
            if any(isinstance(one, BlockStep) and not self._binds_last(one, name) for one in steps if one.cost):
                return False
        return True

    def _tell(self, step: Step, message: str) -> None:
        where = step.line
        if where in self.told:
            return
        self.told.add(where)
        self.scene.plan.report("FB211", where, message)


def inner_shapes(step: Step) -> list[Shape]:
    """The shapes of the blocks inside a step."""
    if isinstance(step, BlockStep):
        return list(dict.fromkeys(step.blocks.values()))
    if isinstance(step, BranchStep):
        return [arm.shape for arm in step.arms if arm.shape is not None]
    if isinstance(step, CallStep):
        if isinstance(step.callee, ComprehensionCallee):
            return [step.callee.shape]
        if isinstance(step.callee, LoopCallee):
            return [step.callee.ahead]
    return []


def _only_leaves(step: BlockStep) -> bool:
    """Whether a block that calls something always leaves: what comes after it never waits for its calls."""
    for shape in inner_shapes(step):
        last = shape.body.steps[-1] if shape.body.steps else None
        leaves = isinstance(last, ReturnStep) or (last is not None and not last.cost and reading.leaves(last.line))
        if not leaves and any(one.cost for one in shape.body.steps):
            return False
    return True


def _reads(shape: Shape) -> Iterator[Read]:
    for step in shape.body.steps:
        yield from step.reads
        for inner in inner_shapes(step):
            yield from _reads(inner)


def _called_by(call: cst.Call, inner: cst.CSTNode | None) -> bool:
    """Whether a call with overrides (`f(x).with_overrides(...)`) is that of another."""
    current: cst.BaseExpression = call
    while isinstance(current, cst.Call):
        if current is inner:
            return True
        current = current.func.value if isinstance(current.func, cst.Attribute) else cst.Name("_")
    return False
