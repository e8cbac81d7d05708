"""Which variables the steps of a shape bind, by the names of the result, and which of them are needed where."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from flyte_bridge_translators.graph.calls import Tree
from flyte_bridge_translators.source.driver.call_trees import steps_of
from flyte_bridge_translators.source.driver.expression_parts import targets_renamed
from flyte_bridge_translators.source.driver.shape import Shape
from flyte_bridge_translators.source.driver.steps import BlockStep, BranchStep, CallStep, PlainStep, Step
from flyte_bridge_translators.source.driver.text_blocks import tuple_of
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.tree import walk


class Exports:
    """What is known while one shape is written; a function inside it is written by a renderer of its own."""

    def __init__(self, shape: Shape, rewrite: Rewrite) -> None:
        self.shape = shape
        self.rewrite = rewrite
        self.width = shape.scene.width
        self.told: set[cst.BaseStatement] = set()
        self.foreign: dict[Step, frozenset[str]] = {}
        self.awaited: list[set[Step]] = [set()]
        self.inside: list[set[Step]] = [set(shape.body.steps)]
        self.trailing: list[cst.BaseStatement] = []

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
            for name in augmented(step):
                called = step.variable(name)
                outside = (name in self.shape.body.known and called == name) or any(
                    name in other.writes and other.variable(name) == called
                    for other in self.shape.body.steps
                    if other not in inside
                )
                if outside and called not in found:
                    found.append(called)
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
            names = [one for one in self.variables(step) if wanted is None or one in wanted]
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


def augmented(step: Step) -> list[str]:
    """The variables a plain statement changes by `+=` and the like: Python takes them for its function's own."""
    if not isinstance(step, PlainStep) or step.make is not None:
        return []
    text = step.small if step.small is not None else step.line
    return [
        node.target.value
        for node in walk(text)
        if isinstance(node, cst.AugAssign) and isinstance(node.target, cst.Name)
    ]
