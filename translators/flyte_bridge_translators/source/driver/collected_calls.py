"""Loops that only collect calls in lists: the calls are collected un-awaited and gathered after the loop.

`for day in days: if day % 2: results.append(fetch(day=day))` keeps its text; `results = await asyncio.gather(*results)` follows.
Whatever the loop looks like inside, nothing in it waits, so all calls start together as in Flyte 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.block_steps import plain_block
from flyte_bridge_translators.source.driver.conditional import CONDITIONAL
from flyte_bridge_translators.source.driver.entity_callee import EntityCallee
from flyte_bridge_translators.source.driver.for_loops import empty_list
from flyte_bridge_translators.source.driver.recognize import recognize
from flyte_bridge_translators.source.driver.steps import UNKNOWN, CallStep, PlainStep, Read, Step
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.entities import Outputs
from flyte_bridge_translators.source.engine.syntax import chain
from flyte_bridge_translators.source.engine.tree import children

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.body import Reader


@dataclass
class Pending:
    """`asyncio.gather(*results)`.

    Attributes:
        read: The list, read.
        name: What the calls in it are.
        calls: For each place where a call is collected, what the variables in it come from.
    """

    read: cst.Name
    name: str
    calls: list[list[Step]] = field(default_factory=list)
    outputs: Outputs = UNKNOWN
    simple: bool = field(default=True, init=False)
    awaits: bool = field(default=True, init=False)
    prepares: bool = field(default=False, init=False)

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """Nothing."""
        del rewrite
        return []

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The `gather`."""
        return cst.Call(chain("asyncio.gather"), [cst.Arg(rewrite(self.read), star="*")])


def read_pending(reader: Reader, statement: cst.BaseStatement) -> bool:
    """Whether a block only collects calls; then it is read as plain Python, and a gather per list follows."""
    if not isinstance(statement, (cst.For, cst.While, cst.If)) or _returns(statement):
        return False
    found = list(_appended(statement))
    lists: dict[str, list[tuple[cst.Name, cst.Call]]] = {}
    for base, call in found:
        lists.setdefault(base.value, []).append((base, call))
    appended = {call for _, call in found}
    if not found or any(call not in appended for call in _entity_calls(reader, statement)):
        return False
    for name, places in lists.items():
        emptied = reader.current.get(name)
        if not (isinstance(emptied, PlainStep) and empty_list(emptied, name)) or reader.readers.get(name):
            return False
        uses = [one for one in reader.variables.names(statement) if one.value == name]
        if {id(one) for one in uses} != {id(one) for one, _ in places}:
            return False
    callees: dict[cst.Call, EntityCallee] = {}
    for call in appended:
        made = recognize(reader.scene, call)
        if made is None or not isinstance(made.callee, EntityCallee):
            return False
        callees[call] = made.callee
    calls_of = {id(call): _sources(reader, call) for call in callees}
    for call, made_of in callees.items():
        reader.scene.plan.replace(call, _unawaited(made_of))
    plain_block(reader, statement)
    block = reader.body.steps[-1]
    for variable, places in lists.items():
        source, call = places[0]
        calls = [calls_of[id(one)] for _, one in places]
        callee = Pending(source, callees[call].name, calls)
        step = CallStep(0, reader.line, call=cst.Name("_"), callee=callee, cost=1)
        step.target = cst.Name(variable)
        step.reads.append(Read(source, variable, block))
        step.writes = (variable,)
        reader.add(step)
    reader.scene.plan.want("import asyncio")
    return True


def _sources(reader: Reader, call: cst.Call) -> list[Step]:
    """What the variables in a call come from."""
    found = (reader.lookup(name.value) for name in reader.variables.names(call))
    return [one for one in found if one is not None]


def _unawaited(callee: EntityCallee) -> Callable[[Rewrite], cst.BaseExpression]:
    return callee.awaitable


def _returns(node: cst.CSTNode) -> bool:
    if isinstance(node, (cst.FunctionDef, cst.Lambda, cst.ClassDef)):
        return False
    return isinstance(node, (cst.Return, cst.Raise, cst.Try, cst.With)) or any(
        _returns(child) for child in children(node)
    )


def _appended(node: cst.CSTNode) -> Iterator[tuple[cst.Name, cst.Call]]:
    """`results.append(<call>)` statements below a node: the list and the call."""
    if isinstance(node, cst.Expr):
        call = node.value
        if (
            isinstance(call, cst.Call)
            and isinstance(call.func, cst.Attribute)
            and call.func.attr.value == "append"
            and isinstance(call.func.value, cst.Name)
            and len(call.args) == 1
            and isinstance(call.args[0].value, cst.Call)
        ):
            yield call.func.value, call.args[0].value
        return
    for child in children(node):
        yield from _appended(child)


def _entity_calls(reader: Reader, node: cst.CSTNode) -> Iterator[cst.Call]:
    for call in reading.calls(node):
        if recognize(reader.scene, call) is not None or reader.scene.qualified(call.func) == CONDITIONAL:
            yield call
