"""What the body of a driver is read into: steps, what they read, what they bind.

A driver is the body of a workflow or a dynamic. `body` reads it into steps, `shape` decides how they run, `render` writes
them. A step is the payload of a `graph.model.Node`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import libcst as cst

from flyte_bridge_translators.source.engine.entities import Outputs

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.shape import Shape
    from flyte_bridge_translators.source.engine.edits import Rewrite

UNKNOWN = Outputs("unknown")
NOTHING = Outputs("none")


class Callee(Protocol):
    """What a call step awaits.

    Attributes:
        name: What its coroutine is named after.
        outputs: What it returns.
        simple: Whether nothing is awaited before it (in `before`) or inside it, so that `gather` can take it directly.
        prepares: Whether `before` has anything to say.
        awaits: Whether `awaitable` must be awaited; else it is the value already.
    """

    @property
    def name(self) -> str: ...

    @property
    def outputs(self) -> Outputs: ...

    @property
    def simple(self) -> bool: ...

    @property
    def awaits(self) -> bool: ...

    @property
    def prepares(self) -> bool: ...

    def awaitable(self, rewrite: Rewrite) -> cst.BaseExpression:
        """The expression to await."""
        ...

    def before(self, rewrite: Rewrite) -> list[cst.BaseStatement]:
        """Statements that must stand before the expression is awaited."""
        ...


@dataclass(eq=False)
class Read:
    """One place where a step reads what another step bound.

    Attributes:
        node: What is replaced when the value goes by another name: a name, `r.score`, `r[0]`, or a call inside the step.
        name: The variable as the user wrote it; empty for a call inside the step.
        source: The step that bound it; None for an input of the driver.
        output: Which of the source's outputs, when only one is read.
        task: The variable of the task that is awaited in its place.
    """

    node: cst.BaseExpression
    name: str
    source: Step | None
    output: str | None = None
    task: str = ""


@dataclass(eq=False)
class Step:
    """One thing a driver does.

    Attributes:
        index: Its place in the text.
        line: The statement it comes from.
        reads: What it needs.
        writes: The variables it binds, as the user wrote them.
        after: Steps it must follow though it reads nothing of theirs (`>>`).
        follows: Steps it must follow because it binds a variable again that they bind or read; Flyte 1 knows no such order.
        cost: How many actions in a row it takes at least.
        comments: Statements that are not written any more (`a >> b`), whose comments it takes over.
        below: The same for statements that stood below or inside its own.
    """

    index: int
    line: cst.BaseStatement
    reads: list[Read] = field(default_factory=list)
    writes: tuple[str, ...] = ()
    after: list[Step] = field(default_factory=list)
    follows: list[Step] = field(default_factory=list)
    cost: int = 0
    rebinds: bool = True
    comments: list[cst.BaseStatement] = field(default_factory=list)
    below: list[cst.BaseStatement] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return type(self).__name__

    def variable(self, name: str) -> str:
        """What a variable it binds is called in the result."""
        return self.renamed.get(name, name)


@dataclass(eq=False)
class CallStep(Step):
    """A call of an entity, a map, a gate, a comprehension of calls.

    Attributes:
        call: The whole expression.
        callee: What is awaited.
        target: What the user assigned it to.
        annotation: The annotation of that target.
        owner: The step whose expression it stands in.
        slots: Output name → variable, when the outputs are unpacked.
        generated: The variable made for a result that had none.
        inline: Whether it is awaited right where it stands in its owner.
    """

    call: cst.BaseExpression = field(default_factory=lambda: cst.Name("_"))
    callee: Callee = field(kw_only=True)
    target: cst.BaseExpression | None = None
    annotation: cst.Annotation | None = None
    owner: Step | None = None
    hint: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    generated: str = ""
    inline: bool = False
    ordered_only: bool = False

    @property
    def title(self) -> str:
        return self.callee.name

    @property
    def outputs(self) -> Outputs:
        return self.callee.outputs


@dataclass(eq=False)
class PlainStep(Step):
    """Plain Python: one small statement of a line, or a whole block without calls.

    Attributes:
        small: The small statement, when its line has several; else the line is taken whole.
        effect: Whether it may do something besides binding names.
        mutates: Variables it changes in place.
        in_place: How many calls are awaited right where they stand in it, one after the other.
        make: Writes it, when the user did not.
    """

    small: cst.BaseSmallStatement | None = None
    effect: bool = False
    mutates: tuple[str, ...] = ()
    in_place: int = 0
    make: Callable[[Rewrite], list[cst.BaseStatement]] | None = None

    @property
    def title(self) -> str:
        return "statement"


@dataclass(eq=False)
class ReturnStep(Step):
    """`return`, with the value's calls taken out; of a pair (a dictionary's item), both parts."""

    value: cst.BaseExpression | None = None
    pair: tuple[cst.BaseExpression, cst.BaseExpression] | None = None
    small: cst.Return | None = None


@dataclass(eq=False)
class ConditionArm:
    """One arm of a conditional: a condition (None for else) and what it gives, or the message it fails with."""

    condition: cst.BaseExpression | None
    shape: Shape | None = None
    message: cst.BaseExpression | None = None


@dataclass(eq=False)
class BranchStep(Step):
    """`conditional(...)`, as `if/elif/else`."""

    arms: list[ConditionArm] = field(default_factory=list)
    target: cst.BaseExpression | None = None
    call: cst.BaseExpression = field(default_factory=lambda: cst.Name("_"))
    owner: Step | None = None
    outputs: Outputs = UNKNOWN
    name: str = "branch"
    slots: dict[str, str] = field(default_factory=dict)
    generated: str = ""
    hint: str = ""
    inline: bool = False

    @property
    def title(self) -> str:
        return self.name


@dataclass(eq=False)
class BlockStep(Step):
    """A compound statement with calls inside: `if`, `for`, `while`, `with`, `try`.

    Attributes:
        blocks: Original block → its shape.
        final: Whether it may leave the driver or its loop (`return`, `break`, `continue`, `raise` under a condition).
        conflicts: For each variable it binds that was bound before: the step that bound it, and those that read it.
        private: Variables it binds that nobody outside it sees.
    """

    blocks: dict[cst.BaseSuite, Shape] = field(default_factory=dict)
    final: bool = False
    conflicts: list[tuple[str, Step | None, list[Step]]] = field(default_factory=list)
    private: set[str] = field(default_factory=set)

    @property
    def title(self) -> str:
        first = next((inner for shape in self.blocks.values() for inner in shape.calls()), None)
        return first.title if first is not None else "block"


Bound = CallStep | BranchStep
"""Steps whose value is bound to a target, or stands in another step's expression."""


@dataclass(eq=False)
class Body:
    """The steps of one block, in the order of the text.

    Attributes:
        steps: Everything but the docstring.
        outside: What its steps read that is bound before the block, in the same driver.
        free: Variables that are read before the block binds them.
        head: The docstring, as it is.
        known: Variables that have a value when the block begins: the driver's parameters, those of the loops around it.
        first: The first statement after it: what is inserted before that one comes before everything.
    """

    steps: list[Step] = field(default_factory=list)
    outside: list[Read] = field(default_factory=list)
    free: set[str] = field(default_factory=set)
    head: list[cst.BaseStatement] = field(default_factory=list)
    first: cst.BaseStatement | None = None
    known: frozenset[str] = frozenset()
