"""How the steps of a block run: its graph, compiled to concurrent calls, with every name decided.

`compile_body` makes a `Shape` while the driver is still being read; `Scene.finish` settles all shapes when every read is
known. Rendering happens later, when the edits of all translators are applied, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import libcst as cst

from flyte_bridge_translators.graph import calls, model, passes
from flyte_bridge_translators.graph.calls import Leaf, Parallel, Shared, Tree
from flyte_bridge_translators.source.driver.call_trees import (
    conflicting,
    is_linear,
    lines_of,
    one_call,
    steps_of,
    to_node,
    top,
    walk,
)
from flyte_bridge_translators.source.driver.sink import Sink
from flyte_bridge_translators.source.driver.steps import (
    BlockStep,
    Body,
    BranchStep,
    CallStep,
    PlainStep,
    Read,
    ReturnStep,
    Step,
)

if TYPE_CHECKING:
    import networkx

    from flyte_bridge_translators.source.driver.scene import Scene
    from flyte_bridge_translators.source.engine.edits import Rewrite


class ShapeWriter(Protocol):
    """Writes one shape. A driver's `Scene` says which class does: writing knows shapes, shapes need not know writing."""

    def block(self, sink: Sink) -> list[cst.BaseStatement]:
        """The whole block."""
        ...

    def function(self, wanted: list[str]) -> tuple[list[cst.BaseStatement], cst.BaseExpression | None]:
        """The block as the body of a coroutine that returns some variables, and the target that takes them."""
        ...

    def outward(self) -> list[str]:
        """The variables of the block that anything outside it reads."""
        ...

    def variables(self, step: Step) -> list[str]:
        """What a step binds, by the names of the result."""
        ...

    def pattern(self, step: Step, wanted: Sequence[str] | None = None) -> cst.BaseExpression | None:
        """The target of a step's value; parts nobody reads are `_`."""
        ...

    def comments(self, step: CallStep) -> list[cst.EmptyLine]:
        """The comments at the line of a call that goes into a gather or a generator."""
        ...


_ELSEWHERE = Step(-1, cst.SimpleStatementLine([]))
"""Who reads what is read outside the block."""


@dataclass(eq=False)
class Segment:
    """Steps that may be reordered among themselves, and the step that ends them (a return, a block that may leave).

    Attributes:
        tree: The steps that run between calls or are calls.
        early: Plain steps that need no call; they stand where they stood, before what they are needed for.
        late: Plain steps that no call needs; they come when the calls have ended.
        end: What comes after all of them.
    """

    steps: list[Step]
    end: Step | None
    tree: Tree | None = None
    early: list[Step] = field(default_factory=list)
    late: list[Step] = field(default_factory=list)
    graph: networkx.DiGraph = field(default_factory=model.workflow)


@dataclass(eq=False)
class Shape:
    """A block, compiled.

    Attributes:
        body: Its steps.
        segments: In the order of the text.
        live: Variables that are read after the block.
        consumers: Step → the reads of what it bound, with the step of this block that reads.
        tasks: Step → the variable of the `asyncio` task that runs it.
        waits: Step → the steps whose tasks it awaits before it runs.
        coroutines: Part → the name of the coroutine that runs it.
        wanted: Steps whose values are needed though no step that is written reads them.
        restored: Variables that got a second name inside the block and have their own again after it.
    """

    scene: Scene
    body: Body
    segments: list[Segment]
    live: set[str] = field(default_factory=set)
    consumers: dict[Step, list[tuple[Step, Read]]] = field(default_factory=dict)
    tasks: dict[Step, str] = field(default_factory=dict)
    waits: dict[Step, tuple[Step, ...]] = field(default_factory=dict)
    coroutines: dict[Tree, str] = field(default_factory=dict)
    wanted: set[Step] = field(default_factory=set)
    restored: list[tuple[Step, str]] = field(default_factory=list)

    def calls(self) -> Iterator[Step]:
        """Its steps that call something, in the order of the text."""
        return (step for step in self.body.steps if step.cost)

    def statements(self, rewrite: Rewrite, sink: Sink | None = None) -> list[cst.BaseStatement]:
        """The block in Flyte 2."""
        return self.writer(rewrite).block(sink or Sink.returning())

    def writer(self, rewrite: Rewrite) -> ShapeWriter:
        """What writes the block."""
        return self.scene.writer(self, rewrite)

    def critical_path(self) -> tuple[int, int]:
        """The longest chain of calls, as Flyte 1 runs it and as the generated code does."""
        before = after = 0
        for segment in self.segments:
            before += calls.critical_path(segment.graph)
            after += calls.critical_path(segment.tree) if segment.tree is not None else 0
            if segment.end is not None:
                before += segment.end.cost
                after += segment.end.cost
        return before, after

    # -- deciding ----------------------------------------------------------------------------------------------------

    def settle(self, reads: dict[Step, list[Read]]) -> None:
        """Decides the form and every name; `reads` are all reads of the driver by their source."""
        own = {id(read): step for step in self.body.steps for read in step.reads}
        for step in self.body.steps:
            self.consumers[step] = [(own.get(id(read), _ELSEWHERE), read) for read in reads.get(step, ())]
        self._keep_order()
        for segment in self.segments:
            self._compile(segment)
        for step in self.body.steps:
            self._unpack(step, reads.get(step, []))
        for segment in self.segments:
            self._inline(segment)
            self._awaits(segment.tree)
        for step in self.body.steps:
            if isinstance(step, (CallStep, BranchStep)) and not step.inline and step.owner is not None:
                self._generate(step)
        self._rename()
        for segment in self.segments:
            self._name_coroutines(segment.tree)
            if any(isinstance(part, (Parallel, Shared)) for part in walk(segment.tree)):
                self.scene.plan.want("import asyncio")

    def shared(self) -> set[str]:
        """Variables that a block binds for those outside it: they keep their one name."""
        return {
            name
            for step in self.body.steps
            if isinstance(step, BlockStep)
            for name in step.writes
            if name not in step.private
        }

    def _keep_order(self) -> None:
        """Who binds again what a block binds too follows those who read it before."""
        shared = self.shared()
        users: dict[str, list[Step]] = {}
        for step in self.body.steps:
            if not isinstance(step, BlockStep):
                for name in step.writes:
                    if name in shared and step.rebinds:
                        step.follows += [one for one in users.get(name, ()) if one is not step]
            for name in {*step.writes, *(read.name for read in step.reads)} & shared:
                users.setdefault(name, []).append(step)

    def _compile(self, segment: Segment) -> None:
        import networkx

        nodes = {step: to_node(step) for step in segment.steps}
        graph = model.workflow(nodes.values())
        for step in segment.steps:
            for read in step.reads:
                if read.source in nodes and read.source is not step:
                    model.connect(graph, nodes[read.source], nodes[step])
            for before in (*step.after, *step.follows, *conflicting(step)):
                if before in nodes and before is not step:
                    model.connect(graph, nodes[before], nodes[step], model.ORDER)
        try:
            order = list(networkx.lexicographical_topological_sort(graph, key=lambda node: node.payload.index))
        except networkx.NetworkXUnfeasible:
            self.scene.plan.report("FB243", segment.steps[0].line, "the order asked for is a circle; it was left out")
            graph = model.workflow(nodes.values())
            for first, second in zip(segment.steps, segment.steps[1:], strict=False):
                model.connect(graph, nodes[first], nodes[second], model.ORDER)
            order = list(graph)
        segment.graph = graph
        costly_before: dict[model.GraphNode, bool] = {}
        for node in order:
            costly_before[node] = bool(node.cost) or any(costly_before[one] for one in graph.predecessors(node))
        costly_after: dict[model.GraphNode, bool] = {}
        for node in reversed(order):
            costly_after[node] = bool(node.cost) or any(costly_after[one] for one in graph.successors(node))
        middle = []
        for step in segment.steps:
            if not costly_before[nodes[step]]:
                segment.early.append(step)
            elif not costly_after[nodes[step]]:
                segment.late.append(step)
            else:
                middle.append(nodes[step])
        if middle:
            results = [node for node in middle if self._needed_outside(node.payload, middle)]
            segment.tree = calls.to_calls(passes.apply(model.part(graph, middle)), results)

    def _needed_outside(self, step: Step, middle: list[model.GraphNode]) -> bool:
        inside = {node.payload for node in middle}
        if step in self.wanted:
            return True
        if any(reader not in inside for reader, _ in self.consumers.get(step, ())):
            return True
        return any(name in self.live for name in step.writes)

    def _unpack(self, step: Step, reads: list[Read]) -> None:
        """A result with several outputs whose parts are used is unpacked into one variable per part."""
        if not isinstance(step, (CallStep, BranchStep)) or isinstance(step.target, (cst.Tuple, cst.List)):
            return
        parts = [read for read in reads if read.output is not None]
        if not parts or len(step.outputs.names) < 2 or len(parts) < len(reads):
            return
        if any(name in self.live for name in step.writes):
            return
        stem = step.target.value if isinstance(step.target, cst.Name) else step.title
        used = {read.output for read in parts}
        for output in step.outputs.names:
            if output in used:
                step.slots[output] = self.scene.fresh(f"{stem}_{output}")

    def _generate(self, step: CallStep | BranchStep) -> None:
        if not step.generated and not step.slots:
            step.generated = self.scene.fresh(*(one for one in (step.hint, f"{step.title}_result") if one))

    def _inline(self, segment: Segment) -> None:
        """A call inside another's expression is awaited there when nothing else happens in between."""
        for line in lines_of(segment.tree):
            for place, part in enumerate(line):
                step = part.node.payload if isinstance(part, Leaf) else None
                follower = line[place + 1] if place + 1 < len(line) else None
                after: Step | None = None
                if isinstance(follower, Leaf):
                    after = follower.node.payload
                elif follower is None and part is top(segment.tree)[-1]:
                    after = self._single_follower(segment, step)
                if isinstance(step, CallStep) and after is not None and step.owner is after:
                    reads = [read for _, read in self.consumers.get(step, ())]
                    whole = len(reads) == 1 and (reads[0].output is None or len(step.outputs.names) == 1)
                    ends = isinstance(after, (ReturnStep, PlainStep))
                    step.inline = whole and (ends or (one_call(after) and one_call(step)))
                if isinstance(step, BranchStep) and isinstance(after, ReturnStep) and step.owner is after:
                    step.inline = after.value is step.call

    def _single_follower(self, segment: Segment, step: Step | None) -> Step | None:
        """The plain step or the end that comes right after the last call."""
        owner = step.owner if isinstance(step, (CallStep, BranchStep)) else None
        if owner is segment.end or owner in segment.late:
            return owner
        return None

    def _awaits(self, tree: Tree | None) -> None:
        """Which steps await which tasks."""
        for part in walk(tree):
            if isinstance(part, Shared):
                for node, heads in part.waits.items():
                    self.waits[node.payload] = tuple(head.payload for head in heads)
                    if isinstance(node.payload, CallStep):
                        node.payload.inline = False
                    for inner in self.consumers_of_inline(node.payload):
                        inner.inline = False
                for strand in part.strands:
                    if strand.task:
                        step = strand.head.payload
                        hidden = step.private if isinstance(step, BlockStep) else set()
                        stem = next((name for name in step.writes if name not in hidden), "") or step.title
                        self.tasks[step] = self.scene.fresh(f"{stem}_task")
                for strand in part.strands:
                    self._await_in_place(steps_of(strand.body))

    def _await_in_place(self, steps: list[Step]) -> None:
        """A task whose value one call of a coroutine reads once is awaited among that call's arguments."""
        for step in steps:
            for source in self.waits.get(step, ()):
                reads = [read for read in step.reads if read.source is source]
                others = any(other is not step and source in self.waits.get(other, ()) for other in steps)
                whole = isinstance(source, CallStep) and not source.slots and len(reads) == 1 and not reads[0].output
                named = isinstance(source, CallStep) and (source.target is None or isinstance(source.target, cst.Name))
                if one_call(step) and whole and named and not others:
                    reads[0].task = self.tasks[source]

    def consumers_of_inline(self, step: Step) -> Iterator[CallStep]:
        """The calls that were to be awaited inside a step."""
        for read in step.reads:
            if isinstance(read.source, CallStep) and read.source.owner is step and read.source.inline:
                yield read.source

    def _rename(self) -> None:
        """A variable bound again gets a second name when the new order would mix the two up."""
        definers: dict[str, list[Step]] = {}
        for step in self.body.steps:
            if step.rebinds:
                for name in step.writes:
                    definers.setdefault(name, []).append(step)
        passed = {
            (name, before)
            for step in self.body.steps
            if isinstance(step, BlockStep)
            for name, before, _ in step.conflicts
            if name not in step.private
        }
        for name, steps in definers.items():
            known = name in self.body.known or any(
                read.name == name and read.source not in steps and read.source in self._outer_sources()
                for step in self.body.steps
                for read in step.reads
            )
            again = [step for step in (steps if known else steps[1:]) if (name, step) not in passed]
            if not again or self._in_order(name):
                continue
            for step in again:
                step.renamed[name] = self.scene.fresh(f"{name}_2", name)
                if step is steps[-1] and name in self.live:
                    self.restored.append((step, name))
            self._pass_on(name)

    def _pass_on(self, name: str) -> None:
        """Who changes a renamed variable in place hands on its new name: `steps_2.append(f)`, then `steps_2 += [g]`."""
        current = ""
        for step in self.body.steps:
            if step.rebinds and name in step.writes:
                current = step.renamed.get(name, "")
            elif current and isinstance(step, PlainStep) and name in step.mutates:
                step.renamed[name] = current

    def _outer_sources(self) -> set[Step]:
        own = set(self.body.steps)
        return {read.source for read in self.body.outside if read.source is not None and read.source not in own}

    def _in_order(self, name: str) -> bool:
        """Whether every reader of the variable sees the binding it means when the block runs as it will be written."""
        current: Step | None = None
        for segment in self.segments:
            if not is_linear(segment.tree):
                return False
            for step in written_order(segment):
                for read in step.reads:
                    if read.name == name and read.source is not current and read.source in set(self.body.steps):
                        return False
                    if read.name == name and read.source not in set(self.body.steps) and current is not None:
                        return False
                if name in step.writes or (isinstance(step, PlainStep) and name in step.mutates):
                    current = step
        return True

    def _name_coroutines(self, tree: Tree | None) -> None:
        for part in walk(tree):
            inner: Iterable[Tree] = ()
            if isinstance(part, Parallel):
                inner = part.parts
            elif isinstance(part, Shared):
                inner = (strand.body for strand in part.strands)
            for one in inner:
                if not self.direct(one):
                    last = [node.payload for node in calls.nodes(one) if node.cost] or [
                        node.payload for node in calls.nodes(one)
                    ]
                    end = last[-1]
                    wishes = [f"run_{end.title}", *(f"run_{name}" for name in end.writes)]
                    if isinstance(end, BlockStep):
                        wishes = [f"run_{name}" for name in end.writes if name not in end.private] + wishes
                    self.coroutines[one] = self.scene.fresh(*wishes)

    def direct(self, tree: Tree) -> bool:
        """Whether a part is one call that `gather` can take as it is."""
        if not isinstance(tree, Leaf):
            return False
        return self.direct_step(tree.node.payload)

    def direct_step(self, step: Step) -> bool:
        """The same for a step."""
        return (
            isinstance(step, CallStep)
            and step.callee.simple
            and step.callee.awaits
            and step not in self.waits
            and not any(True for _ in self.consumers_of_inline(step))
        )


def compile_body(scene: Scene, body: Body) -> Shape:
    """The shape of a block; it is settled when the whole driver has been read."""
    segments: list[Segment] = []
    steps: list[Step] = []
    for step in body.steps:
        if isinstance(step, ReturnStep) or (isinstance(step, BlockStep) and step.final):
            segments.append(Segment(steps, step))
            steps = []
        else:
            steps.append(step)
    if steps or not segments:
        segments.append(Segment(steps, None))
    shape = Shape(scene, body, segments)
    scene.shapes.append(shape)
    return shape


def written_order(segment: Segment) -> list[Step]:
    """The steps of a segment that has no concurrency, in the order they are written."""
    order: list[Step] = []
    early = list(segment.early)
    for part in top(segment.tree):
        last = max(step.index for step in steps_of(part))
        while early and early[0].index < last:
            order.append(early.pop(0))
        order += steps_of(part)
    order += sorted([*early, *segment.late], key=lambda step: step.index)
    return [*order, segment.end] if segment.end is not None else order
