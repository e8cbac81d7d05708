"""Writes a settled shape as statements: awaits, `asyncio.gather`, coroutines, tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.graph.calls import Leaf, Parallel, Series, Shared, Tree
from flyte_bridge_translators.source import layout, reading
from flyte_bridge_translators.source.edits import Rewrite
from flyte_bridge_translators.source.gate import assign
from flyte_bridge_translators.source.node import keyword
from flyte_bridge_translators.source.shape import Segment, Shape, steps_of, targets_renamed, to_node
from flyte_bridge_translators.source.steps import BlockStep, BranchStep, CallStep, PlainStep, ReturnStep, Step
from flyte_bridge_translators.source.tree import children, code

if TYPE_CHECKING:
    from flyte_bridge_translators.source.iteration import ForStep


@dataclass(frozen=True)
class Sink:
    """Where the value of a block goes: returned, assigned, or dropped."""

    kind: str
    target: cst.BaseExpression | None = None

    @classmethod
    def returning(cls) -> Sink:
        """`return value`."""
        return cls("return")

    def line(self, value: cst.BaseExpression) -> cst.SimpleStatementLine | None:
        """The statement that takes the value."""
        if self.kind == "return":
            return cst.SimpleStatementLine([cst.Return(value)])
        if self.kind == "assign" and self.target is not None:
            return assign(self.target, value)
        return cst.SimpleStatementLine([cst.Expr(value)]) if isinstance(value, cst.Await) else None


class Renderer:
    """Writes one shape; a function inside it is written by a renderer of its own."""

    def __init__(self, shape: Shape, rewrite: Rewrite) -> None:
        self.shape = shape
        self.rewrite = rewrite
        self.width = shape.scene.width
        self.told: set[cst.BaseStatement] = set()
        self.foreign: dict[Step, frozenset[str]] = {}
        self.awaited: list[set[Step]] = [set()]
        self.inside: list[set[Step]] = [set(shape.body.steps)]
        self.trailing: list[cst.BaseStatement] = []

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
            lead = [_comment_line(line) for line in self.comments(step)]
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

    def _returns(self, part: Tree, exports: list[str]) -> str | None:
        """The return annotation of a coroutine, when what it returns is declared by calls of this file."""
        if not exports:
            return "None"
        known: dict[str, str] = {}
        for step in steps_of(part):
            outputs = step.outputs if isinstance(step, (CallStep, BranchStep)) else None
            names = self.variables(step) if outputs is not None else []
            if outputs is None or len(names) != len(outputs.annotations):
                continue
            known.update(zip(names, outputs.annotations, strict=True))
        found = [known.get(one, "") for one in exports]
        if not all(one and self.shape.scene.is_type(one) for one in found):
            return None
        return found[0] if len(found) == 1 else f"tuple[{', '.join(found)}]"

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
        call = cst.Call(cst.parse_expression("asyncio.gather"), [cst.Arg(value) for _, value, _ in branches])
        if all(target is None for target in targets) and self.shape.scene.settled is None:
            return self._assigned(None, cst.Await(call))
        if self.shape.scene.settled is not None:
            return self._settled(call, targets, *self.shape.scene.settled)
        whole = tuple_of([_parenthesized(target) if target is not None else cst.Name("_") for target in targets])
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
            whole = tuple_of([_parenthesized(target) if target is not None else cst.Name("_") for target in targets])
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

    def _assigned(self, target: cst.BaseExpression | None, value: cst.BaseExpression) -> list[cst.BaseStatement]:
        line = cst.SimpleStatementLine([cst.Expr(value)]) if target is None else assign(target, value)
        return [_broken(line, self.width)]

    # -- what is needed where ------------------------------------------------------------------------------------------

    def variables(self, step: Step) -> list[str]:
        """What a step binds, by the names of the result."""
        if isinstance(step, (CallStep, BranchStep)):
            if step.slots:
                return list(step.slots.values())
            if step.generated:
                return [step.generated]
        hidden = self.foreign.get(step, frozenset()) | (step.private if isinstance(step, BlockStep) else frozenset())
        return [step.variable(name) for name in step.writes if name not in hidden]

    def _exports(self, part: Tree, beyond: Tree | None = None) -> list[str]:
        """The variables bound in a part that anything outside it (or outside of what it stands in) reads."""
        inside = set(steps_of(beyond or part))
        found: dict[str, None] = {}
        for step in steps_of(part):
            if step in self.shape.wanted:
                found.update(dict.fromkeys(self.variables(step)))
            for reader, read in self.shape.consumers.get(step, ()):
                if reader in inside:
                    continue
                if isinstance(step, (CallStep, BranchStep)) and step.inline:
                    continue
                if isinstance(step, (CallStep, BranchStep)) and read.output in step.slots:
                    found[step.slots[read.output or ""]] = None
                elif isinstance(step, (CallStep, BranchStep)) and step.generated:
                    found[step.generated] = None
                else:
                    found[step.variable(read.name)] = None
            for name in step.writes:
                if name in self.shape.live and self._last_definer(name) is step:
                    found[step.variable(name)] = None
        order = [one for step in steps_of(part) for one in self.variables(step)]
        return sorted(found, key=lambda one: order.index(one) if one in order else len(order))

    def _last_definer(self, name: str) -> Step | None:
        found = [step for step in self.shape.body.steps if name in step.writes]
        return found[-1] if found else None

    def _nonlocals(self, part: Tree) -> list[str]:
        """Variables of the driver that a block inside the part binds again."""
        inside = set(steps_of(part))
        found: list[str] = []
        shared = self.shape.shared()
        for step in inside:
            if isinstance(step, BlockStep) or (step.rebinds and shared & set(step.writes)):
                for name in step.writes:
                    if name not in shared or name in step.renamed or name in getattr(step, "private", ()):
                        continue
                    elsewhere = name in self.shape.body.known or any(
                        name in other.writes for other in self.shape.body.steps if other not in inside
                    )
                    if elsewhere and name not in found:
                        found.append(name)
        return sorted(found)

    def pattern(self, step: Step, wanted: Sequence[str] | None = None) -> cst.BaseExpression | None:
        """The target of a step's value; parts nobody reads are `_`."""
        if not isinstance(step, (CallStep, BranchStep)):
            names = self.variables(step)
            return tuple_of([cst.Name(one) for one in names]) if names else None
        if step.slots:
            return tuple_of([cst.Name(step.slots.get(output, "_")) for output in step.outputs.names])
        if step.generated:
            return cst.Name(step.generated)
        if step.target is None:
            return None
        if isinstance(step.target, cst.Name) and wanted is not None and not wanted:
            return None
        if isinstance(step, CallStep) and step.ordered_only and not self.shape.consumers.get(step):
            return None
        return targets_renamed(step, step.target)

    # -- steps ---------------------------------------------------------------------------------------------------------

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
            if _alone(line):
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
        return [line for line in (*self._lead(step), *_beside(step)) if line.comment is not None]

    def _tasks(self, step: Step) -> list[cst.BaseStatement]:
        """Awaits the tasks a step needs, unless this function has done so."""
        out: list[cst.BaseStatement] = []
        for source in self.shape.waits.get(step, ()):
            if source in self.awaited[-1] or any(one.source is source and one.task for one in step.reads):
                continue
            self.awaited[-1].add(source)
            read = any(one.source is source for other in self.inside[-1] for one in other.reads)
            pattern = self.pattern(source) if read else None
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
            out += [_broken(line, self.width)] if line is not None else []
        else:
            pattern = self.pattern(step)
            if step.annotation is not None and isinstance(pattern, cst.Name):
                out.append(cst.SimpleStatementLine([cst.AnnAssign(pattern, step.annotation, value)]))
            elif pattern is not None or step.callee.awaits:
                out += self._assigned(pattern, value)
        if out:
            out[0] = with_lead(out[0], lead)
            if (sink is None or step.owner is None) and _alone(step.line):
                out[-1] = _with_trailing(out[-1], step.line)
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
            return [_renamed_targets(step, line) for line in whole(self.rewrite, step.line)]
        lead = self._lead(step)
        if self.rewrite.is_removed(step.small):
            return [_comment_line(one) for one in lead if one.comment is not None]
        small = self.rewrite(step.small).with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
        return [_renamed_targets(step, cst.SimpleStatementLine([small], leading_lines=lead))]

    def _return(self, step: ReturnStep, sink: Sink) -> list[cst.BaseStatement]:
        branch = next((read.source for read in step.reads if isinstance(read.source, BranchStep)), None)
        if branch is not None and branch.inline:
            return self._if(branch, sink)
        lead = self._lead(step) if step.small is not None else []
        before = self._prepared(step)
        value = self.rewrite(step.value) if step.value is not None else None
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
        if step.small is not None and _alone(step.line):
            line = _with_trailing(line, step.line)
        return [*before, _broken(line, self.width)]

    def _compound(self, step: BlockStep) -> list[cst.BaseStatement]:
        from flyte_bridge_translators.source.iteration import ForStep

        lead = self._lead(step)
        lines = self._loop(step) if isinstance(step, ForStep) else [self._with_blocks(step.line, step)]
        if lines:
            lines[0] = with_lead(lines[0].with_changes(leading_lines=[]), lead)
        return lines

    def _loop(self, step: ForStep) -> list[cst.BaseStatement]:
        from flyte_bridge_translators.source.iteration import render_for

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
        from flyte_bridge_translators.source.tree import child_fields

        for name in child_fields(type(node)):
            value = getattr(node, name)
            if isinstance(value, cst.CSTNode):
                updates[name] = self.visit(value)
            elif isinstance(value, (list, tuple)) and name != "leading_lines":
                updates[name] = [self.visit(one) if isinstance(one, cst.CSTNode) else one for one in value]
        return node.with_changes(**updates)


# -- pieces of text -----------------------------------------------------------------------------------------------------


def coroutine(
    name: str, parameters: Sequence[str], lines: list[cst.BaseStatement], returns: str | None = None
) -> cst.FunctionDef:
    """`async def name(...):` with a blank line around it."""
    return cst.FunctionDef(
        name=cst.Name(name),
        params=cst.Parameters([cst.Param(cst.Name(one)) for one in parameters]),
        body=cst.IndentedBlock(tidy(lines) or [cst.SimpleStatementLine([cst.Pass()])]),
        asynchronous=cst.Asynchronous(),
        returns=cst.Annotation(cst.parse_expression(returns)) if returns is not None else None,
        leading_lines=[cst.EmptyLine(indent=False)],
    )


def started(value: cst.BaseExpression) -> cst.BaseExpression:
    """`asyncio.create_task(...)`; a gather has started already, and is no coroutine."""
    if isinstance(value, cst.Call) and code(value.func) == "asyncio.gather":
        return value
    return cst.Call(cst.parse_expression("asyncio.create_task"), [cst.Arg(value)])


def with_bindings(lines: list[cst.BaseStatement], known: frozenset[str], head: int) -> list[cst.BaseStatement]:
    """The lines of a driver in which every variable that a coroutine binds with `nonlocal` is bound by the driver too."""
    wanted: dict[str, None] = {}
    bound: set[str] = set(known)
    inside = False
    stack: list[tuple[cst.CSTNode, bool]] = [(line, inside) for line in reversed(lines)]
    while stack:
        node, inside = stack.pop()
        if isinstance(node, cst.Nonlocal):
            wanted.update(dict.fromkeys(item.name.value for item in node.names))
        elif isinstance(node, (cst.AssignTarget, cst.AnnAssign, cst.For, cst.NamedExpr, cst.AsName)) and not inside:
            target = node.name if isinstance(node, cst.AsName) else node.target
            if isinstance(target, cst.BaseExpression):
                bound.update(name.value for name in reading.targets(target))
        inner = inside or isinstance(node, (cst.FunctionDef, cst.Lambda))
        if not isinstance(node, cst.BaseExpression):
            stack += [(child, inner) for child in children(node)]
    missing = [name for name in wanted if name not in bound]
    made = [assign(cst.Name(name), cst.Name("None")) for name in missing]
    return [*lines[:head], *made, *lines[head:]]


def with_lines(block: cst.BaseSuite, lines: Sequence[cst.BaseStatement]) -> cst.IndentedBlock:
    """A block with other statements in it; the comments beside its header and at its end stay."""
    if isinstance(block, cst.IndentedBlock):
        return block.with_changes(body=lines)
    return cst.IndentedBlock(lines)


def tidy(lines: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """Comments that wait for a line go to the next one; a blank line follows a coroutine, none comes first."""
    out: list[cst.BaseStatement] = []
    pending: list[cst.EmptyLine] = []
    for line in lines:
        comments = _comments_of(line)
        if comments is not None:
            pending += comments
            continue
        held = list(getattr(line, "leading_lines", ()))
        if pending:
            held = [*pending, *_without_blank(held)]
            pending = []
        beside_function = isinstance(line, cst.FunctionDef) or (bool(out) and isinstance(out[-1], cst.FunctionDef))
        if not out:
            held = _without_blank(held)
        elif beside_function and not (held and held[0].comment is None):
            held = [cst.EmptyLine(indent=False), *held]
        out.append(line.with_changes(leading_lines=held))
    return out


def _without_blank(lines: list[cst.EmptyLine]) -> list[cst.EmptyLine]:
    while lines and lines[0].comment is None:
        lines = lines[1:]
    return lines


_COMMENT = "__flyte_bridge_comment__"


def _comment_line(line: cst.EmptyLine) -> cst.BaseStatement:
    """A comment that waits for the next statement; `tidy` puts it there."""
    return cst.SimpleStatementLine([cst.Expr(cst.Name(_COMMENT))], leading_lines=[line])


def _comments_of(line: cst.BaseStatement) -> list[cst.EmptyLine] | None:
    if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
        only = line.body[0]
        if isinstance(only, cst.Expr) and isinstance(only.value, cst.Name) and only.value.value == _COMMENT:
            return list(line.leading_lines)
    return None


def leading(rewrite: Rewrite, line: cst.BaseStatement) -> list[cst.EmptyLine]:
    """The lines above a statement, with what other translators have to say there."""
    held = rewrite.above(line)
    trailing = getattr(line, "trailing_whitespace", None)
    if trailing is not None and trailing.comment is not None and not _alone(line):
        held.append(cst.EmptyLine(comment=trailing.comment))
    return held


def block_comments(block: cst.BaseSuite) -> tuple[list[cst.EmptyLine], list[cst.EmptyLine]]:
    """The comments of a block that belong to none of its statements: those beside its header and those at its end."""
    if not isinstance(block, cst.IndentedBlock):
        return [], []
    header = [cst.EmptyLine(comment=block.header.comment)] if block.header.comment is not None else []
    return header, [cst.EmptyLine(comment=line.comment) for line in block.footer if line.comment is not None]


def _beside(step: CallStep) -> list[cst.EmptyLine]:
    """The comment at the end of the line of a call that goes into a gather."""
    line = step.line
    if not isinstance(line, cst.SimpleStatementLine) or not _alone(line) or step.owner is not None:
        return []
    return [cst.EmptyLine(comment=line.trailing_whitespace.comment)]


def whole(rewrite: Rewrite, line: cst.BaseStatement) -> list[cst.BaseStatement]:
    """A statement nobody takes apart, with its edits; of one that goes, its comments."""
    if rewrite.is_removed(line):
        return [_comment_line(one) for one in getattr(line, "leading_lines", ()) if one.comment is not None]
    changed = rewrite(line)
    return [
        one
        for one in (changed if isinstance(changed, cst.FlattenSentinel) else [changed])
        if isinstance(one, cst.BaseStatement)
    ]


def with_lead(line: cst.BaseStatement, lead: Sequence[cst.EmptyLine]) -> cst.BaseStatement:
    """A statement with lines above it."""
    if not lead:
        return line
    return line.with_changes(leading_lines=[*lead, *getattr(line, "leading_lines", ())])


def _alone(line: cst.BaseStatement) -> bool:
    return isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1


def _with_trailing(new: cst.BaseStatement, line: cst.BaseStatement) -> cst.BaseStatement:
    if isinstance(new, cst.SimpleStatementLine) and isinstance(line, cst.SimpleStatementLine):
        return new.with_changes(trailing_whitespace=line.trailing_whitespace)
    return new


def _broken(line: cst.BaseStatement, width: int) -> cst.BaseStatement:
    """A long line with the arguments of its outermost call on lines of their own, as formatters write it."""
    if not isinstance(line, cst.SimpleStatementLine) or len(code(line.with_changes(leading_lines=[]))) <= width - 4:
        return line
    small = line.body[0]
    if not isinstance(small, (cst.Expr, cst.Assign, cst.Return)) or small.value is None:
        return line
    return line.with_changes(body=[small.with_changes(value=_broken_value(small.value, width - 4))])


def _broken_value(value: cst.BaseExpression, room: int) -> cst.BaseExpression:
    if isinstance(value, cst.Await):
        return value.with_changes(expression=_broken_value(value.expression, room))
    if not isinstance(value, cst.Call) or not value.args:
        return value
    gather = code(value.func) == "asyncio.gather"
    if "\n" in code(value) and not gather:
        return value
    inner = cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace("    "))
    outer = cst.ParenthesizedWhitespace(indent=True)
    last = value.args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    one_line = code(value.with_changes(func=cst.Name("f"), args=[*value.args[:-1], last]))
    if (len(one_line) <= room - 4 and "\n" not in one_line) or last.star:
        arguments = [*value.args[:-1], last.with_changes(whitespace_after_arg=outer)]
    else:
        arguments = [one.with_changes(comma=cst.Comma(whitespace_after=inner)) for one in value.args[:-1]]
        arguments.append(last.with_changes(comma=cst.Comma(whitespace_after=outer)))
    return value.with_changes(args=arguments, whitespace_before_args=inner)


def tuple_of(values: Sequence[cst.BaseExpression]) -> cst.BaseExpression:
    """`a, b`, or `a` when there is one."""
    if len(values) == 1:
        return values[0]
    return cst.Tuple([cst.Element(one) for one in values], lpar=[], rpar=[])


def _parenthesized(target: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(target, cst.Tuple):
        return target.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return target


def _renamed_targets(step: PlainStep, line: cst.BaseStatement) -> cst.BaseStatement:
    if not step.renamed or not isinstance(line, cst.SimpleStatementLine):
        return line
    body: list[cst.BaseSmallStatement] = []
    for small in line.body:
        if isinstance(small, cst.Assign):
            targets = [one.with_changes(target=targets_renamed(step, one.target)) for one in small.targets]
            body.append(small.with_changes(targets=targets))
        elif isinstance(small, cst.AnnAssign):
            body.append(small.with_changes(target=targets_renamed(step, small.target)))
        else:
            body.append(small)
    return line.with_changes(body=body)
