"""Settles the shapes of a driver: which variable each read goes by, once every read is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.steps import BlockStep, BranchStep, CallStep, Read, Step

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.scene import Scene
    from flyte_bridge_translators.source.engine.edits import Rewrite


def settle(scene: Scene) -> None:
    """Settles every shape of a driver, outermost first."""
    reads: dict[Step, list[Read]] = {}
    seen: set[int] = set()
    for shape in scene.shapes:
        for step in shape.body.steps:
            for read in step.reads:
                if read.source is not None and id(read) not in seen:
                    seen.add(id(read))
                    reads.setdefault(read.source, []).append(read)
    passed: dict[Step, set[str]] = {}
    for shape in scene.shapes:
        for step in reversed(shape.body.steps):
            if isinstance(step, BlockStep):
                seen_outside = {read.name for read in (*step.reads, *reads.get(step, ()))} | shape.live
                step.private = set(step.writes) - seen_outside - passed.get(step, set())
                for name, before, _ in step.conflicts:
                    # A block may bind nothing (no iteration, another arm): what was bound before is then seen through it.
                    if before is not None and name not in step.private:
                        passed.setdefault(before, set()).add(name)
                for inner in step.blocks.values():
                    inner.live |= {read.name for read in reads.get(step, ())}
                    inner.live |= {read.name for read in step.reads} & set(step.writes)
                    inner.live |= shape.live & set(step.writes)
    for shape in scene.shapes:
        shape.settle(reads)
    for read in [read for found in reads.values() for read in found]:
        _replace(scene, read)


def _replace(scene: Scene, read: Read) -> None:
    """The text of a read: another name, an unpacked part, or the call itself, awaited."""
    source = read.source
    assert source is not None
    parent = scene.module.parents.get(read.node)
    tight = (
        isinstance(parent, (cst.Attribute, cst.Subscript))
        or (isinstance(parent, cst.Call) and parent.func is read.node)
        or isinstance(parent, cst.Await)
    )

    def text(rewrite: Rewrite) -> cst.BaseExpression:
        if read.task:
            task = cst.Await(cst.Name(read.task))
            return task.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]) if tight else task
        if isinstance(source, CallStep) and source.inline:
            if not source.callee.awaits:
                return source.callee.awaitable(rewrite)
            value = cst.Await(source.callee.awaitable(rewrite))
            return value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]) if tight else value
        if isinstance(source, (CallStep, BranchStep)):
            if read.output is not None and read.output in source.slots:
                return cst.Name(source.slots[read.output])
            name = source.generated or source.variable(read.name) or "_"
            if read.output is not None and len(source.outputs.names) > 1:
                place = source.outputs.names.index(read.output)
                return cst.Subscript(cst.Name(name), [cst.SubscriptElement(cst.Index(cst.Integer(str(place))))])
            if read.output is not None or not read.name:
                return cst.Name(name)
            return _named(read.node, name)
        return _named(read.node, source.variable(read.name))

    changes = not read.name or read.output is not None or source.renamed or read.task
    if changes:
        scene.plan.replace(read.node, text)


def _named(node: cst.BaseExpression, name: str) -> cst.BaseExpression:
    return node.with_changes(value=name) if isinstance(node, cst.Name) else cst.Name(name)
