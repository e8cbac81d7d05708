"""Blocks and comprehensions with calls inside: `if`, `for`, `while`, `with`, `try`, `[f(x=i) for i in xs]`.

A loop whose iterations need nothing of each other runs them side by side; one that carries a value from one iteration to the
next runs in turn, with what does not hang on that value started beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.block_steps import finish, plain_block
from flyte_bridge_translators.source.driver.collected_calls import read_pending
from flyte_bridge_translators.source.driver.for_loops import one_call_each, read_for
from flyte_bridge_translators.source.driver.recognize import recognize
from flyte_bridge_translators.source.driver.scene import AwaitedCall
from flyte_bridge_translators.source.driver.shape import Shape, compile_body
from flyte_bridge_translators.source.driver.steps import (
    UNKNOWN,
    BlockStep,
    Body,
    BranchStep,
    CallStep,
    PlainStep,
    ReturnStep,
)
from flyte_bridge_translators.source.driver.text_blocks import coroutine
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.syntax import chain
from flyte_bridge_translators.source.engine.tree import children, code

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.body import Reader


# -- comprehensions -----------------------------------------------------------------------------------------------------


@dataclass
class ComprehensionCallee:
    """`[f(x=i) for i in xs]` and `{i: f(x=i) for i in xs}`: all calls at once, in order.

    Attributes:
        node: The comprehension.
        shape: What one element does, ending in a return.
        one: The coroutine of one element, when it is more than one call.
        parameters: The loop variables it takes.
        name: What it is called after.
    """

    node: cst.ListComp | cst.GeneratorExp | cst.SetComp | cst.DictComp
    shape: Shape
    one: str
    parameters: tuple[str, ...]
    name: str
    direct: CallStep | None
    outputs: Outputs = UNKNOWN

    simple: bool = field(default=True, init=False)

    @property
    def awaits(self) -> bool:
        return not isinstance(self.node, cst.DictComp)

    @property
    def prepares(self) -> bool:
        return self.direct is None

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """The coroutine of one element, when it is more than one call."""
        if self.direct is not None:
            return []
        return [coroutine(self.one, self.parameters, self.shape.statements(rewrite))]

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The `gather` over the elements."""
        element: cst.BaseExpression
        if self.direct is not None:
            element = self.direct.callee.awaitable(rewrite)
        else:
            element = cst.Call(cst.Name(self.one), [cst.Arg(cst.Name(name)) for name in self.parameters])
        loop = rewrite(self.node.for_in)
        generator = cst.GeneratorExp(element, loop, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        results = cst.Call(chain("asyncio.gather"), [cst.Arg(generator, star="*")])
        return results if self.awaits else cst.Call(cst.Name("dict"), [cst.Arg(cst.Await(results))])


@dataclass(frozen=True)
class Mapped:
    """A comprehension of calls, and what its elements do."""

    found: AwaitedCall
    body: Body


def comprehension(reader: Reader, value: cst.BaseExpression) -> Mapped | None:
    """A list or dictionary of calls, or None when it is something else (sets are awaited in place)."""
    if not isinstance(value, (cst.ListComp, cst.GeneratorExp, cst.DictComp)):
        return None
    holds = reader.holds_call
    elements = [value.key, value.value] if isinstance(value, cst.DictComp) else [value.elt]
    if not any(holds(one) for one in elements) or holds(value.for_in) or value.for_in.asynchronous is not None:
        return None
    inner = type(reader)(reader.scene, reader.variables, reader)
    inner.line = reader.line
    wrapped = ReturnStep(0, reader.line, value=elements[0])
    if isinstance(value, cst.DictComp):
        wrapped.pair = (value.key, value.value)
    for one in elements:
        inner.expression(one, wrapped)
    inner.add(wrapped)
    calls = [step for step in inner.body.steps if isinstance(step, (CallStep, BranchStep))]
    if not calls:
        return None
    direct = None
    if (
        len(elements) == 1
        and len(calls) == 1
        and isinstance(calls[0], CallStep)
        and calls[0].call is elements[-1]
        and _plain(calls[0])
    ):
        direct = calls[0]
    loops: cst.CompFor | None = value.for_in
    parameters: list[str] = []
    while loops is not None:
        parameters += [name.value for name in reading.targets(loops.target)]
        loops = loops.inner_for_in
    reader.scene.plan.want("import asyncio")
    shape = compile_body(reader.scene, inner.body)
    name = calls[-1].title
    run = reader.scene.fresh(f"run_{name}") if direct is None else ""
    callee = ComprehensionCallee(value, shape, run, tuple(parameters), name, direct)
    return Mapped(AwaitedCall(callee, ((value.for_in, ""),)), inner.body)


# -- blocks -------------------------------------------------------------------------------------------------------------


def _plain(step: CallStep) -> bool:
    return step.callee.simple and step.callee.awaits and not step.callee.prepares


def read_block(reader: Reader, statement: cst.BaseStatement) -> None:
    """A compound statement: plain when no call is inside, else a step with shapes for its blocks."""
    if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
        _definition(reader, statement)
        return
    if not reader.holds_call(statement):
        plain_block(reader, statement)
        return
    if isinstance(statement, cst.For) and statement.asynchronous is None and statement.orelse is None:
        if one_call_each(statement) or not read_pending(reader, statement):
            read_for(reader, statement)
        return
    if read_pending(reader, statement):
        return
    if isinstance(statement, cst.While):
        reader.scene.plan.report("FB211", statement, "calls in a `while` loop run one iteration after the other")
    step = BlockStep(0, reader.line, cost=0, rebinds=False)
    bodies: list[Body] = []
    _walk(reader, statement, step, bodies)
    finish(reader, step, bodies)


def _walk(reader: Reader, node: cst.CSTNode, step: BlockStep, bodies: list[Body]) -> None:
    """Reads headers in place and each block below as a body of its own."""
    if isinstance(node, (cst.IndentedBlock, cst.SimpleStatementSuite)):
        inner = type(reader)(reader.scene, reader.variables, reader)
        body = inner.read(node.body)
        bodies.append(body)
        step.blocks[node] = compile_body(reader.scene, body)
        return
    if isinstance(node, cst.BaseExpression):
        reader.in_place(node, step)
        return
    if isinstance(node, cst.AsName):
        return
    for child in children(node):
        if isinstance(node, (cst.For, cst.CompFor)) and child is node.target:
            continue
        _walk(reader, child, step, bodies)


def _definition(reader: Reader, statement: cst.FunctionDef | cst.ClassDef) -> None:
    """A function inside a driver: it is bound where it stands; calls of tasks inside it are left to the reader."""
    step = PlainStep(0, reader.line, effect=False, rebinds=False)
    for name in reader.variables.names(statement):
        reader.read_name(name, name, step, None)
    becomes = isinstance(statement, cst.FunctionDef) and statement in reader.scene.coroutines
    inside = [node for node in _expressions(statement) if recognize(reader.scene, node) is not None]
    if inside and not becomes:
        reader.scene.plan.report(
            "FB222",
            inside[0],
            f"`{code(statement.name)}` calls a task: make it `async`, await the task, await its callers",
        )
    step.writes = (statement.name.value,)
    reader.add(step)


def _expressions(node: cst.CSTNode) -> list[cst.BaseExpression]:
    found: list[cst.BaseExpression] = [node] if isinstance(node, cst.BaseExpression) else []
    for child in children(node):
        found += _expressions(child)
    return found
