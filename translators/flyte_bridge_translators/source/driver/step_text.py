"""Writes the steps of a shape, one by one: calls, branches, plain Python, returns, blocks."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from flyte_bridge_translators.graph.calls import Leaf
from flyte_bridge_translators.source.driver.bound_names import Exports
from flyte_bridge_translators.source.driver.call_trees import to_node
from flyte_bridge_translators.source.driver.for_loop_text import render_for
from flyte_bridge_translators.source.driver.for_loops import ForStep
from flyte_bridge_translators.source.driver.shape import Shape
from flyte_bridge_translators.source.driver.sink import Sink
from flyte_bridge_translators.source.driver.steps import BlockStep, BranchStep, CallStep, PlainStep, ReturnStep, Step
from flyte_bridge_translators.source.driver.text_blocks import (
    alone,
    beside,
    block_comments,
    broken,
    comment_line,
    leading,
    renamed_targets,
    tidy,
    tuple_of,
    whole,
    with_lead,
    with_lines,
    with_trailing,
)
from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.syntax import assign
from flyte_bridge_translators.source.engine.tree import child_fields, code


class StepWriter(Exports):
    """Writes single steps."""

    def _assigned(self, target: cst.BaseExpression | None, value: cst.BaseExpression) -> list[cst.BaseStatement]:
        line = cst.SimpleStatementLine([cst.Expr(value)]) if target is None else assign(target, value)
        return [broken(line, self.width)]

    def _first(self) -> list[cst.BaseStatement]:
        """What is inserted before the first statement of the block: everything else may need it."""
        first = self.shape.body.first
        return self.rewrite.ahead(first) if first is not None else []

    def _ahead(self, step: Step) -> list[cst.BaseStatement]:
        """What other translators insert before the statements a step comes from."""
        if isinstance(step, (CallStep, BranchStep)) and step.inline:
            return []
        return [line for one in (*step.comments, step.line, *step.below) for line in self.rewrite.ahead(one)]

    def _behind(self, step: Step) -> list[cst.BaseStatement]:
        """What they insert after them, once the last step of the statement is written."""
        if any(other.line is step.line and other.index > step.index for other in self.shape.body.steps):
            return []
        return [line for one in (*step.comments, step.line, *step.below) for line in self.rewrite.behind(one)]

    def _step(self, step: Step) -> list[cst.BaseStatement]:
        return [*self._ahead(step), *self._written(step), *self._behind(step)]

    def _written(self, step: Step) -> list[cst.BaseStatement]:
        match step:
            case CallStep():
                return self._call(step, None)
            case BranchStep() if step.inline:
                return []
            case BranchStep():
                pattern = self.pattern(step)
                return self._if(step, Sink("assign", pattern) if pattern is not None else Sink("drop"))
            case PlainStep():
                return [*self._tasks(step), *self._prepared(step), *self._plain(step)]
            case BlockStep():
                return [*self._tasks(step), *self._compound(step)]
            case ReturnStep():
                return self._return(step, Sink.returning())
        raise AssertionError(step)

    def _lead(self, step: Step) -> list[cst.EmptyLine]:
        """The comments above a step's statement, for the first of its steps that is written."""
        found: list[cst.EmptyLine] = []
        last: list[cst.EmptyLine] = []
        for line in (*step.comments, step.line, *step.below):
            if line in self.told:
                continue
            self.told.add(line)
            above = leading(self.rewrite, line)
            if line is step.line:
                found += above
                if isinstance(step, CallStep) and isinstance(line, cst.For):
                    header, footer = block_comments(line.body)
                    found += header
                    last = footer
                continue
            if alone(line):
                above.append(cst.EmptyLine(comment=line.trailing_whitespace.comment))  # type: ignore[attr-defined]
            found += [one for one in above if one.comment is not None]
        return [*found, *last]

    def _dropped(self, original: cst.CSTNode, made: Sequence[cst.CSTNode]) -> list[cst.EmptyLine]:
        """The comments inside an expression that what was made of it does not hold."""
        if "#" not in self.shape.scene.module.text:
            return []
        inside = layout.comments(original)
        text = "".join(code(one) for one in made) if inside else ""
        return [cst.EmptyLine(comment=cst.Comment(one)) for one in inside if one not in text]

    def comments(self, step: CallStep) -> list[cst.EmptyLine]:
        """The comments at the line of a call that goes into a gather or a generator."""
        return [line for line in (*self._lead(step), *beside(step)) if line.comment is not None]

    def _tasks(self, step: Step) -> list[cst.BaseStatement]:
        """Awaits the tasks a step needs, unless this function has done so."""
        out: list[cst.BaseStatement] = []
        for source in self.shape.waits.get(step, ()):
            if source in self.awaited[-1] or any(one.source is source and one.task for one in step.reads):
                continue
            self.awaited[-1].add(source)
            read = any(one.source is source for other in self.inside[-1] for one in other.reads)
            # What the task's coroutine returns is what is read outside of it, not all that a plain statement binds.
            wanted = None if isinstance(source, (CallStep, BranchStep)) else self._exports(Leaf(to_node(source)))
            pattern = self.pattern(source, wanted) if read else None
            out += self._assigned(pattern, cst.Await(cst.Name(self.shape.tasks[source])))
        return out

    def _call(self, step: CallStep, sink: Sink | None) -> list[cst.BaseStatement]:
        if step.inline:
            return []
        lead = self._lead(step)
        out = [*self._tasks(step), *self._prepared(step), *step.callee.before(self.rewrite)]
        value = step.callee.awaitable(self.rewrite)
        lead += self._dropped(step.call, [*out, value])
        if step.callee.awaits:
            value = cst.Await(value)
        if sink is not None:
            line = sink.line(value)
            out += [broken(line, self.width)] if line is not None else []
        else:
            pattern = self.pattern(step)
            if step.annotation is not None and isinstance(pattern, cst.Name):
                out.append(cst.SimpleStatementLine([cst.AnnAssign(pattern, self.rewrite(step.annotation), value)]))
            elif pattern is not None or step.callee.awaits:
                out += self._assigned(pattern, value)
        if out:
            out[0] = with_lead(out[0], lead)
            if (sink is None or step.owner is None) and alone(step.line):
                out[-1] = with_trailing(out[-1], step.line)
        return out

    def _prepared(self, step: Step) -> list[cst.BaseStatement]:
        """What the calls awaited inside a step need before them."""
        out: list[cst.BaseStatement] = []
        for read in step.reads:
            if isinstance(read.source, CallStep) and read.source.inline and not read.name:
                out += [*self._prepared(read.source), *read.source.callee.before(self.rewrite)]
        return out

    def _if(self, step: BranchStep, sink: Sink) -> list[cst.BaseStatement]:
        lead = self._lead(step)
        before = self._tasks(step)
        orelse: cst.If | cst.Else | None = None
        for arm in reversed(step.arms):
            body = self._arm(arm.shape, arm.message, sink)
            if arm.condition is None:
                only = body.body[0] if len(body.body) == 1 else None
                orelse = only.with_changes(leading_lines=[]) if isinstance(only, cst.If) else cst.Else(body)
            else:
                test = self.rewrite(arm.condition)
                if test.lpar and not isinstance(test, cst.Tuple):
                    test = test.with_changes(lpar=test.lpar[1:], rpar=test.rpar[:-1])
                orelse = cst.If(test, body, orelse)
        if isinstance(orelse, cst.Else):
            return [*before, *orelse.body.body]
        assert orelse is not None
        lead += self._dropped(step.call, [orelse])
        return [*before, with_lead(orelse, lead)] if not before else [with_lead(before[0], lead), *before[1:], orelse]

    def _arm(self, shape: Shape | None, message: cst.BaseExpression | None, sink: Sink) -> cst.IndentedBlock:
        lines: list[cst.BaseStatement] = []
        if shape is not None:
            lines = shape.statements(self.rewrite, sink)
        if message is not None:
            error = cst.Call(cst.Name("ValueError"), [cst.Arg(self.rewrite(message))])
            lines.append(cst.SimpleStatementLine([cst.Raise(error)]))
        return cst.IndentedBlock(tidy(lines) or [cst.SimpleStatementLine([cst.Pass()])])

    def _plain(self, step: PlainStep) -> list[cst.BaseStatement]:
        if step.make is not None:
            return step.make(self.rewrite)
        if step.small is None:
            self.told.add(step.line)
            return [renamed_targets(step, line) for line in whole(self.rewrite, step.line)]
        lead = self._lead(step)
        if self.rewrite.is_removed(step.small):
            return [comment_line(one) for one in lead if one.comment is not None]
        small = self.rewrite(step.small).with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
        return [renamed_targets(step, cst.SimpleStatementLine([small], leading_lines=lead))]

    def _return(self, step: ReturnStep, sink: Sink) -> list[cst.BaseStatement]:
        branch = next((read.source for read in step.reads if isinstance(read.source, BranchStep)), None)
        if branch is not None and branch.inline:
            return self._if(branch, sink)
        lead = self._lead(step) if step.small is not None else []
        before = self._prepared(step)
        value = self._returned(step)
        if step.pair is not None:
            value = tuple_of([self.rewrite(one) for one in step.pair])
        if value is None:
            return [cst.SimpleStatementLine([cst.Return()], leading_lines=lead)]
        if isinstance(value, cst.Await):
            value = value.with_changes(lpar=[], rpar=[])
        made = sink.line(value)
        if made is None:
            return []
        line = with_lead(made, lead)
        if step.small is not None and alone(step.line):
            line = with_trailing(line, step.line)
        return [*before, broken(line, self.width)]

    def _returned(self, step: ReturnStep) -> cst.BaseExpression | None:
        """What is returned; an edit of the statement itself changes its value (a frame is wrapped, an int becomes a float)."""
        if isinstance(step.small, cst.Return) and step.small.value is step.value:
            return self.rewrite(step.small).value
        return self.rewrite(step.value) if step.value is not None else None

    def _compound(self, step: BlockStep) -> list[cst.BaseStatement]:
        lead = self._lead(step)
        lines = self._loop(step) if isinstance(step, ForStep) else [self._with_blocks(step.line, step)]
        if lines:
            lines[0] = with_lead(lines[0].with_changes(leading_lines=[]), lead)
        return lines

    def _loop(self, step: ForStep) -> list[cst.BaseStatement]:
        return render_for(step, self.rewrite)

    def _with_blocks(self, node: cst.CSTNode, step: BlockStep) -> cst.BaseStatement:
        """The compound statement with its blocks written anew."""
        done = _Blocks(step, self.rewrite).visit(node)
        assert isinstance(done, cst.BaseStatement)
        return done


class _Blocks:
    """Rebuilds a compound statement from its headers (edited) and its blocks (rendered)."""

    def __init__(self, step: BlockStep, rewrite: Rewrite) -> None:
        self.step = step
        self.rewrite = rewrite

    def visit(self, node: cst.CSTNode) -> cst.CSTNode:
        if isinstance(node, (cst.IndentedBlock, cst.SimpleStatementSuite)):
            shape = self.step.blocks.get(node)
            if shape is None:
                return self.rewrite(node)
            lines = tidy(shape.statements(self.rewrite)) or [cst.SimpleStatementLine([cst.Pass()])]
            return with_lines(node, lines)
        if isinstance(node, (cst.BaseExpression, cst.BaseSmallStatement)):
            return self.rewrite(node)
        updates: dict[str, object] = {}
        for name in child_fields(type(node)):
            value = getattr(node, name)
            if isinstance(value, cst.CSTNode):
                updates[name] = self.visit(value)
            elif isinstance(value, (list, tuple)) and name != "leading_lines":
                updates[name] = [self.visit(one) if isinstance(one, cst.CSTNode) else one for one in value]
        return node.with_changes(**updates)
