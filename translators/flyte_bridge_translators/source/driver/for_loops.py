"""`for` loops with calls inside.

An iteration is split in two: what hangs on the iteration before it (a variable carried on, a list appended to), and the rest.
The rest of all iterations runs at once; what is carried runs in turn, in the order of the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.block_steps import bound_by, finish
from flyte_bridge_translators.source.driver.for_loop_text import called, gathered, loop_names
from flyte_bridge_translators.source.driver.shape import Shape, compile_body
from flyte_bridge_translators.source.driver.steps import (
    UNKNOWN,
    BlockStep,
    Body,
    BranchStep,
    CallStep,
    PlainStep,
    Read,
    Step,
)
from flyte_bridge_translators.source.driver.text_blocks import coroutine
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.tree import code

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.body import Reader


@dataclass(eq=False)
class ForStep(BlockStep):
    """A `for` loop with calls.

    Attributes:
        ahead: What of an iteration needs no other iteration; None when everything does.
        rest: What is done in turn.
        calls_in_turn: Whether the rest awaits calls, so that what is ahead runs as tasks.
        names: Names made for the loop: `one` (the coroutine), `tasks`, `task`, `items`.
    """

    node: cst.For = field(kw_only=True)
    ahead: Shape | None = None
    rest: Shape | None = None
    calls_in_turn: bool = False
    names: dict[str, str] = field(default_factory=dict)


@dataclass
class LoopCallee:
    """A loop that is one `gather`: `for i in xs: results.append(f(x=i))`.

    Attributes:
        node: The loop.
        ahead: One iteration.
        value: The step whose result is appended; None when nothing is.
        one: The coroutine of one iteration, when it is more than one call.
        extends: Whether the results are added to a list that holds something already.
    """

    node: cst.For
    ahead: Shape
    value: CallStep | BranchStep | None
    one: str
    name: str
    direct: CallStep | None
    outputs: Outputs = UNKNOWN
    awaits: bool = field(default=True, init=False)

    simple: bool = field(default=True, init=False)

    @property
    def prepares(self) -> bool:
        return self.direct is None

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """The coroutine of one iteration, when it is more than one call."""
        if self.direct is not None:
            return []
        wanted = self.ahead.writer(rewrite).variables(self.value) if self.value is not None else []
        lines, _ = self.ahead.writer(rewrite).function(wanted)
        return [coroutine(self.one, loop_names(self.node), lines)]

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The `gather` over the iterations."""
        return gathered(self.node, self.element(rewrite), rewrite(self.node.iter))

    def element(self, rewrite: Rewrite) -> cst.BaseExpression:
        """One iteration."""
        if self.direct is not None:
            return self.direct.callee.awaitable(rewrite)
        return called(self.one, self.node)


def read_for(reader: Reader, node: cst.For) -> None:
    """A `for` loop: one gather, a loop over gathered results, or a loop that awaits in turn."""
    inner = type(reader)(reader.scene, reader.variables, reader)
    inner.body.known |= set(loop_names(node))
    bound: list[Step | None] = []
    for name in loop_names(node):
        inner.current[name] = PlainStep(-1, reader.line, rebinds=False)
        bound.append(inner.current[name])
    body = inner.read(node.body.body)
    body.outside = [read for read in body.outside if read.source not in bound]
    step = ForStep(0, reader.line, node=node, rebinds=False)
    reader.expression(node.iter, step)
    reader.scene.plan.want("import asyncio")
    if reading.leaves(node) or any(isinstance(one, BlockStep) and one.final for one in body.steps):
        step.rest = compile_body(reader.scene, body)
        step.blocks = {node.body: step.rest}
        reader.scene.plan.report("FB211", node, "the loop may end early, so its calls run one after the other")
        finish(reader, step, [body])
        return
    ahead, rest = split(body)
    if not rest.steps or _appends(rest) is not None:
        made = _one_gather(reader, node, step, body, ahead, rest)
        if made:
            return
    step.calls_in_turn = any(one.cost for one in rest.steps)
    if ahead.steps and any(one.cost for one in ahead.steps):
        step.ahead = compile_body(reader.scene, ahead)
        title = list(step.ahead.calls())[-1].title
        step.names = {"one": reader.scene.fresh(f"run_{title}")}
        if step.calls_in_turn:
            step.names["tasks"] = reader.scene.fresh(f"{title}_tasks", "tasks")
            step.names["task"] = reader.scene.fresh("task", f"{title}_task")
        if not repeatable(node.iter):
            step.names["items"] = reader.scene.fresh("items")
    else:
        rest = body
    step.rest = compile_body(reader.scene, rest)
    step.blocks = {node.body: step.rest}
    if step.ahead is not None:
        step.blocks[cst.IndentedBlock([])] = step.ahead
    if step.calls_in_turn:
        _report_lost(reader, node, rest, body)
    finish(reader, step, [body])


def one_call_each(node: cst.For) -> bool:
    """Whether the loop's body is straight: no block inside, so that one gather can take its place."""
    return all(isinstance(line, cst.SimpleStatementLine) for line in node.body.body)


def split(body: Body) -> tuple[Body, Body]:
    """What of an iteration needs no other iteration, and what does."""
    written = {name for one in body.steps for name in bound_by(one)}
    carried = written & body.free
    own = set(body.steps)
    tainted: set[Step] = set()
    for step in body.steps:
        mine = any(read.name in carried and read.source not in own for read in step.reads)
        theirs = any(read.source in tainted for read in step.reads) or any(one in tainted for one in step.after)
        writes = any(name in carried for name in bound_by(step))
        if mine or theirs or writes or (isinstance(step, PlainStep) and step.effect):
            tainted.add(step)
    ahead = type(body)([step for step in body.steps if step not in tainted], body.outside, body.free, known=body.known)
    rest = type(body)([step for step in body.steps if step in tainted], body.outside, body.free, known=body.known)
    return ahead, rest


def _appends(rest: Body) -> tuple[str, cst.BaseExpression] | None:
    """`results.append(value)` when that is all there is to do in turn: the list and the value."""
    if len(rest.steps) != 1 or not isinstance(rest.steps[0], PlainStep):
        return None
    line = rest.steps[0].line
    small = rest.steps[0].small or (line.body[0] if isinstance(line, cst.SimpleStatementLine) else None)
    if not (isinstance(small, cst.Expr) and isinstance(small.value, cst.Call)):
        return None
    call = small.value
    if not (
        isinstance(call.func, cst.Attribute)
        and call.func.attr.value == "append"
        and isinstance(call.func.value, cst.Name)
        and len(call.args) == 1
    ):
        return None
    return call.func.value.value, call.args[0].value


def _one_gather(reader: Reader, node: cst.For, step: ForStep, body: Body, ahead: Body, rest: Body) -> bool:
    """`results = await asyncio.gather(...)` in place of the loop; False when the loop is more than that."""
    if not any(one.cost for one in ahead.steps):
        return False
    bound = {name for one in ahead.steps for name in bound_by(one)} | set(loop_names(node))
    if reading.read_later(reader.variables, node, bound):
        return False
    target: cst.Name | None = None
    value: CallStep | BranchStep | None = None
    emptied: Step | None = None
    if rest.steps:
        appended = _appends(rest)
        assert appended is not None
        reads = [read for read in rest.steps[0].reads if read.node is appended[1]]
        if len(reads) != 1 or reads[0].output is not None:
            return False
        source = reads[0].source
        if not isinstance(source, (CallStep, BranchStep)) or source not in ahead.steps:
            return False
        if isinstance(source.target, (cst.Tuple, cst.List)):
            return False
        value = source
        emptied = reader.current.get(appended[0])
        fresh_list = isinstance(emptied, PlainStep) and empty_list(emptied, appended[0])
        if fresh_list and not reader.readers.get(appended[0]):
            target = cst.Name(appended[0])
        else:
            emptied = None
    direct = None
    if (
        len(ahead.steps) == 1
        and isinstance(ahead.steps[0], CallStep)
        and ahead.steps[0].callee.simple
        and not ahead.steps[0].callee.prepares
    ):
        direct = ahead.steps[0]
    shape = compile_body(reader.scene, ahead)
    if value is not None:
        shape.wanted = {value}
    name = (value or [one for one in ahead.steps if one.cost][-1]).title
    one = "" if direct is not None else reader.scene.fresh(f"run_{name}")
    callee = LoopCallee(node, shape, value, one, name, direct)
    made = CallStep(0, reader.line, call=cst.Name("_"), callee=callee, cost=1, target=target)
    made.reads = list(step.reads)
    reader.escape(made, body)
    if direct is not None:
        made.below.append(direct.line)
    if target is not None and emptied is not None:
        made.comments.append(emptied.line)
        made.below.append(rest.steps[0].line)
        made.reads = [read for read in made.reads if read.source is not emptied]
        reader.body.steps.remove(emptied)
        for place, other in enumerate(reader.body.steps):
            other.index = place
        made.writes = (target.value,)
        # The value's own variable is not needed when its name is only appended.
    if rest.steps and target is None:
        _extend(reader, made, rest)
        return True
    reader.add(made)
    return True


def _extend(reader: Reader, made: CallStep, rest: Body) -> None:
    """`results.extend(await asyncio.gather(...))` for a list that may hold something already."""
    line = rest.steps[0].line
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    assert isinstance(small, cst.Expr)
    assert isinstance(small.value, cst.Call)
    assert isinstance(small.value.func, cst.Attribute)
    results = small.value.func.value
    assert isinstance(results, cst.Name)
    made.reads = [read for read in made.reads if read.node is not results]
    made.hint = f"{made.title}_results"

    def written(rewrite: Rewrite) -> list[cst.BaseStatement]:
        inline = made.inline
        value = cst.Await(made.callee.awaitable(rewrite)) if inline else cst.Name(made.generated)
        call = cst.Call(cst.Attribute(rewrite(results), cst.Name("extend")), [cst.Arg(value)])
        return [cst.SimpleStatementLine([cst.Expr(call)])]

    step = PlainStep(0, reader.line, mutates=(results.value,), rebinds=False, make=written)
    made.owner = step
    reader.add(made)
    step.reads.append(Read(made.call, "", made))
    reader.read_name(results, results, step, None)
    step.after += [other for other in reader.readers.get(results.value, ()) if other is not step]
    reader.add(step)


def empty_list(step: PlainStep, name: str) -> bool:
    line = step.line
    small = step.small or (line.body[0] if isinstance(line, cst.SimpleStatementLine) else None)
    if isinstance(small, cst.Assign) and len(small.targets) == 1:
        target, value = small.targets[0].target, small.value
    elif isinstance(small, cst.AnnAssign) and small.value is not None:
        target, value = small.target, small.value
    else:
        return False
    return isinstance(target, cst.Name) and target.value == name and code(value).replace(" ", "") in {"[]", "list()"}


def _report_lost(reader: Reader, node: cst.For, rest: Body, body: Body) -> None:
    """A call in turn that the next iteration does not need would run beside it in Flyte 1."""
    feeds: set[Step] = set()
    read = {
        one.name
        for step in body.steps
        for one in step.reads
        if not (isinstance(step, PlainStep) and one.name in step.mutates)
    }
    carried = {name for one in body.steps for name in bound_by(one)} & body.free & read
    for step in reversed(rest.steps):
        if any(name in carried for name in bound_by(step)) or step in feeds:
            feeds.add(step)
            feeds.update(read.source for read in step.reads if read.source is not None)
    lost = [step for step in rest.steps if step.cost and step not in feeds]
    if lost:
        reader.scene.plan.report(
            "FB211",
            node,
            f"`{lost[0].title}` hangs on the iteration before it and is awaited before the next one starts",
        )


def repeatable(expression: cst.BaseExpression) -> bool:
    """Whether iterating over it twice gives the same."""
    if isinstance(expression, (cst.Name, cst.List, cst.Tuple, cst.Attribute)):
        return True
    if isinstance(expression, cst.Call):
        name = code(expression.func)
        return name in {"range", "enumerate", "zip", "sorted", "reversed"} or name.endswith(
            (".items", ".keys", ".values")
        )
    return False
