"""Writes a settled shape as statements: awaits, `asyncio.gather`, coroutines, tasks."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from flyte_bridge_translators.graph.calls import Leaf, Parallel, Series, Shared, Tree
from flyte_bridge_translators.source.driver.call_trees import steps_of, to_node
from flyte_bridge_translators.source.driver.shape import Segment
from flyte_bridge_translators.source.driver.sink import Sink
from flyte_bridge_translators.source.driver.step_text import StepWriter
from flyte_bridge_translators.source.driver.steps import BranchStep, CallStep, ReturnStep
from flyte_bridge_translators.source.driver.text_blocks import comment_line, coroutine, parenthesized, started, tuple_of
from flyte_bridge_translators.source.engine.syntax import assign, chain, keyword


class Renderer(StepWriter):
    """Writes one shape; a function inside it is written by a renderer of its own."""

    def block(self, sink: Sink) -> list[cst.BaseStatement]:
        """The whole block."""
        out: list[cst.BaseStatement] = [self.rewrite(line) for line in self.shape.body.head]
        out += self._first()
        for segment in self.shape.segments:
            out += self._segment(segment, sink)
        return out

    def _segment(self, segment: Segment, sink: Sink) -> list[cst.BaseStatement]:
        out: list[cst.BaseStatement] = []
        early = list(segment.early)
        tree = segment.tree
        parts: tuple[Tree, ...] = () if tree is None else tree.parts if isinstance(tree, Series) else (tree,)
        for place, part in enumerate(parts):
            last = max(step.index for step in steps_of(part))
            while early and early[0].index < last:
                out += self._step(early.pop(0))
            out += self._part(part)
            del place
        for step in sorted([*early, *segment.late], key=lambda one: one.index):
            out += self._step(step)
        for step, name in self.shape.restored:
            if step in segment.steps:
                out.append(assign(cst.Name(name), cst.Name(step.variable(name))))
        if isinstance(segment.end, ReturnStep):
            out += [*self._ahead(segment.end), *self._return(segment.end, sink)]
        elif segment.end is not None:
            out += self._step(segment.end)
        return out

    # -- parts -------------------------------------------------------------------------------------------------------

    def _part(self, tree: Tree) -> list[cst.BaseStatement]:
        match tree:
            case Leaf(node):
                return self._step(node.payload)
            case Series(parts):
                return [line for part in parts for line in self._part(part)]
            case Parallel(parts):
                return self._gather([self._branch(part, parts) for part in parts])
            case Shared():
                return self._shared(tree)

    def _branch(self, part: Tree, among: Sequence[Tree]) -> tuple[list[cst.BaseStatement], cst.BaseExpression, object]:
        """What runs beside others: statements that prepare it, the expression to await, the target of its value."""
        del among
        if self.shape.direct(part):
            assert isinstance(part, Leaf)
            step = part.node.payload
            lead = [comment_line(line) for line in self.comments(step)]
            lead += [*self._ahead(step), *step.callee.before(self.rewrite)]
            self.trailing += self._behind(step)
            return lead, step.callee.awaitable(self.rewrite), self.pattern(step, self._exports(part))
        return self._coroutine(part)

    def _coroutine(self, part: Tree) -> tuple[list[cst.BaseStatement], cst.BaseExpression, object]:
        name = self.shape.coroutines[part]
        exports = self._exports(part)
        foreign = self._nonlocals(part)
        exports = [one for one in exports if one not in foreign]
        self.foreign.update(dict.fromkeys(steps_of(part), frozenset(foreign)))
        self.awaited.append(set())
        self.inside.append(set(steps_of(part)))
        lines, target = self._body(part, exports)
        returns = self._returns(part, exports) if target is not None or not exports else None
        self.awaited.pop()
        self.inside.pop()
        if foreign:
            names = [cst.NameItem(cst.Name(one)) for one in foreign]
            lines.insert(0, cst.SimpleStatementLine([cst.Nonlocal(names)]))
        return [coroutine(name, (), lines, returns)], cst.Call(cst.Name(name)), target

    def _body(self, part: Tree, exports: list[str]) -> tuple[list[cst.BaseStatement], cst.BaseExpression | None]:
        """A coroutine's body that returns what is needed outside, and the target that takes it."""
        parts = part.parts if isinstance(part, Series) else (part,)
        last = parts[-1].node.payload if isinstance(parts[-1], Leaf) else None
        lines = [line for one in parts[:-1] for line in self._part(one)]
        if isinstance(last, (CallStep, BranchStep)) and exports and set(exports) <= set(self.variables(last)):
            behind = self._behind(last)
            if not behind:
                sink = Sink.returning()
                written = self._if(last, sink) if isinstance(last, BranchStep) else self._call(last, sink)
                return [*lines, *self._ahead(last), *written], self.pattern(last, exports)
            lines += [*self._step(last), *behind]
            value = tuple_of([cst.Name(one) for one in exports])
            return [*lines, cst.SimpleStatementLine([cst.Return(value)])], value
        lines += self._part(parts[-1])
        if not exports:
            return lines, None
        value = tuple_of([cst.Name(one) for one in exports])
        lines.append(cst.SimpleStatementLine([cst.Return(value)]))
        return lines, value

    def _gather(
        self, branches: list[tuple[list[cst.BaseStatement], cst.BaseExpression, object]]
    ) -> list[cst.BaseStatement]:
        """`a, b = await asyncio.gather(...)`, with the coroutines before it."""
        before = [line for lines, _, _ in branches for line in lines]
        behind, self.trailing = self.trailing, []
        return [*before, *self._together(branches), *behind]

    def _together(
        self, branches: list[tuple[list[cst.BaseStatement], cst.BaseExpression, object]]
    ) -> list[cst.BaseStatement]:
        targets = [target if isinstance(target, cst.BaseExpression) else None for _, _, target in branches]
        if len(branches) == 1:
            return self._assigned(targets[0], cst.Await(branches[0][1]))
        call = cst.Call(chain("asyncio.gather"), [cst.Arg(value) for _, value, _ in branches])
        if all(target is None for target in targets) and self.shape.scene.settled is None:
            return self._assigned(None, cst.Await(call))
        if self.shape.scene.settled is not None:
            return self._settled(call, targets, *self.shape.scene.settled)
        whole = tuple_of([parenthesized(target) if target is not None else cst.Name("_") for target in targets])
        return self._assigned(whole, cst.Await(call))

    def _settled(
        self, call: cst.Call, targets: Sequence[cst.BaseExpression | None], results: str, result: str
    ) -> list[cst.BaseStatement]:
        """All parts end before the first failure is raised."""
        returned = keyword("return_exceptions", cst.Name("True"))
        out = self._assigned(cst.Name(results), cst.Await(call.with_changes(args=[*call.args, returned])))
        text = f"for {result} in {results}:\n    if isinstance({result}, BaseException):\n        raise {result}\n"
        out.append(cst.parse_statement(text))
        if any(target is not None for target in targets):
            whole = tuple_of([parenthesized(target) if target is not None else cst.Name("_") for target in targets])
            out.append(assign(whole, cst.Name(results)))
        return out

    def _shared(self, tree: Shared) -> list[cst.BaseStatement]:
        """Strands: tasks first, the others gathered; tasks whose values are needed afterwards are gathered too."""
        out: list[cst.BaseStatement] = []
        gathered: list[tuple[list[cst.BaseStatement], cst.BaseExpression, object]] = []
        for strand in tree.strands:
            lines, value, target = self._branch(strand.body, ())
            if not strand.task:
                gathered.append((lines, value, target))
                continue
            task = cst.Name(self.shape.tasks[strand.head.payload])
            out += lines
            out.append(assign(task, started(value)))
            needed = self._exports(Leaf(strand.head), tree)
            if needed or self.shape.scene.settled is not None:
                gathered.append(([], task, self.pattern(strand.head.payload, needed)))
        return [*out, *self._gather(gathered)]

    def function(self, wanted: list[str]) -> tuple[list[cst.BaseStatement], cst.BaseExpression | None]:
        """The block as the body of a coroutine that returns some variables, and the target that takes them."""
        segment = self.shape.segments[0]
        if len(self.shape.segments) == 1 and segment.end is None and segment.tree is not None and not segment.late:
            before = [*self._first(), *(line for step in segment.early for line in self._step(step))]
            lines, target = self._body(segment.tree, wanted)
            return [*before, *lines], target
        lines = self.block(Sink.returning())
        if not wanted:
            return lines, None
        value = tuple_of([cst.Name(one) for one in wanted])
        return [*lines, cst.SimpleStatementLine([cst.Return(value)])], value

    def outward(self) -> list[str]:
        """The variables of the block that anything outside it reads."""
        found: list[str] = []
        for step in self.shape.body.steps:
            for one in self._exports(Leaf(to_node(step))):
                readers = [reader for reader, _ in self.shape.consumers.get(step, ())]
                inner = all(reader in self.shape.body.steps for reader in readers)
                if one not in found and not (inner and not any(name in self.shape.live for name in step.writes)):
                    found.append(one)
        return found
