"""What a block is to the steps around it: one step, with all that it binds and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.steps import BlockStep, Body, PlainStep, Step
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.tree import children

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.body import Reader


def finish(reader: Reader, step: BlockStep, bodies: list[Body]) -> None:
    """What a block binds and changes, seen from outside: it keeps its place among all who use the same names."""
    for body in bodies:
        reader.escape(step, body)
        step.cost += max((inner.cost for inner in body.steps), default=0)
    step.final = reading.leaves(step.line)
    names = [name for body in bodies for inner in body.steps for name in bound_by(inner)]
    step.writes = tuple(dict.fromkeys([*names, *_header_targets(step.line)]))
    for name in step.writes:
        before = reader.lookup(name)
        step.conflicts.append((name, before, list(reader.readers.get(name, ()))))
    reader.add(step)


def bound_by(step: Step) -> tuple[str, ...]:
    """The variables a step binds or changes in place."""
    return (*step.writes, *(step.mutates if isinstance(step, PlainStep) else ()))


def _header_targets(statement: cst.CSTNode) -> list[str]:
    found: list[str] = []
    stack: list[cst.CSTNode] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, (cst.For, cst.CompFor)):
            found += [name.value for name in reading.targets(node.target)]
        if isinstance(node, cst.NamedExpr) and isinstance(node.target, cst.Name):
            found.append(node.target.value)
        if isinstance(node, cst.AsName) and isinstance(node.name, cst.BaseExpression):
            found += [name.value for name in reading.targets(node.name)]
        stack.extend(child for child in children(node) if not isinstance(child, cst.BaseSuite))
    return found


def plain_block(reader: Reader, statement: cst.BaseStatement) -> None:
    """A block without calls: one plain step that keeps its place."""
    step = PlainStep(0, reader.line, effect=True, rebinds=False)
    inner = type(reader)(reader.scene, reader.variables, reader)
    names: list[str] = []
    for node in _statements(statement):
        if isinstance(node, cst.BaseSmallStatement):
            inner.small(node, alone=True)
        elif isinstance(node, cst.BaseExpression):
            inner.expression(node, step)
    for one in inner.body.steps:
        names += bound_by(one)
        step.reads += one.reads
    step.reads = [read for read in step.reads if read.source is None or read.source not in set(inner.body.steps)]
    names += _header_targets(statement)
    step.mutates = tuple(dict.fromkeys(names))
    for name in step.mutates:
        step.after += [other for other in reader.readers.get(name, ()) if other is not step]
        before = reader.lookup(name)
        if before is not None and before in reader.body.steps:
            step.after.append(before)
    reader.body.outside += [read for read in step.reads if read.source not in reader.body.steps and read.source]
    if reading.leaves(statement):
        barrier = BlockStep(0, reader.line, final=True, rebinds=False)
        barrier.reads, barrier.writes, barrier.after = step.reads, step.mutates, step.after
        reader.add(barrier)
        return
    reader.add(step)


def _statements(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The small statements and header expressions of a block, in the order of the text."""
    found: list[cst.CSTNode] = []
    for child in children(node):
        if isinstance(child, (cst.BaseSmallStatement, cst.BaseExpression)):
            if not (isinstance(node, (cst.For, cst.AsName)) and child is getattr(node, "target", None)):
                found.append(child)
        elif not isinstance(child, (cst.FunctionDef, cst.ClassDef)):
            found += _statements(child)
    return found
