"""Trees of calls whose nodes carry steps: walking them, and what stands in a line."""

from __future__ import annotations

from collections.abc import Iterator

from flyte_bridge_translators.graph import calls, model
from flyte_bridge_translators.graph.calls import Leaf, Series, Shared, Tree
from flyte_bridge_translators.source.driver.entity_callee import EntityCallee
from flyte_bridge_translators.source.driver.steps import BlockStep, CallStep, Step


def to_node(step: Step) -> model.GraphNode:
    """The graph's node for a step."""
    return model.GraphNode(name=step.title, payload=step, cost=step.cost)


def walk(tree: Tree | None) -> Iterator[Tree]:
    """A tree and everything in it."""
    if tree is None:
        return
    yield tree
    inner = [strand.body for strand in tree.strands] if isinstance(tree, Shared) else getattr(tree, "parts", ())
    for part in inner:
        yield from walk(part)


def steps_of(tree: Tree) -> list[Step]:
    """The steps of a part, in the order of its text."""
    return [node.payload for node in calls.nodes(tree)]


def top(tree: Tree | None) -> tuple[Tree, ...]:
    if tree is None:
        return ()
    return tree.parts if isinstance(tree, Series) else (tree,)


def lines_of(tree: Tree | None) -> Iterator[tuple[Tree, ...]]:
    """Every sequence of parts that run one after the other; a single part is a sequence of one."""
    if isinstance(tree, Leaf):
        yield (tree,)
    for part in walk(tree):
        if isinstance(part, Series):
            yield part.parts


def is_linear(tree: Tree | None) -> bool:
    return tree is None or all(isinstance(part, Leaf) for part in top(tree))


def one_call(step: Step) -> bool:
    """Whether a step is one call of an entity: nothing prepared, no loop inside."""
    return isinstance(step, CallStep) and isinstance(step.callee, EntityCallee)


def conflicting(step: Step) -> list[Step]:
    """The steps a block must follow because it binds their variables again."""
    if not isinstance(step, BlockStep):
        return []
    found: list[Step] = []
    for name, before, readers in step.conflicts:
        if isinstance(before, BlockStep) and name in before.private:
            continue
        found += [one for one in (before, *readers) if one is not None and one is not step]
    return found
