"""Reads the body of a driver into steps: what each reads, binds, and must follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import libcst as cst

from flyte_bridge_translators.source import reading
from flyte_bridge_translators.source.conditional import Case, Parsed, parse, rewrite_condition
from flyte_bridge_translators.source.entities import Outputs
from flyte_bridge_translators.source.named_result import settled
from flyte_bridge_translators.source.node import CREATE_NODE
from flyte_bridge_translators.source.recognize import Scene, peel_overrides, recognize
from flyte_bridge_translators.source.steps import (
    Arm,
    Bound,
    BranchStep,
    CallStep,
    PlainStep,
    Read,
    ReturnStep,
    Step,
)
from flyte_bridge_translators.source.tree import children, code, string_value

_COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)
_TAKERS = frozenset({"flytekit.map_task", "functools.partial", CREATE_NODE})
"""What takes a task and gives something that is called, or a node."""

_CONDITIONAL = (cst.IfExp, cst.BooleanOperation, cst.Lambda, *_COMPREHENSIONS)
"""Expressions that evaluate a part of themselves never or often: calls in them cannot be taken out."""


_GENERATED = re.compile(r"o[0-9]+")
"""The names Flyte 1 gives to outputs without names."""


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


class Reader:
    """Reads one block; blocks inside it are read by readers of their own that look names up here."""

    def __init__(self, scene: Scene, variables: reading.Locals, outer: Reader | None = None) -> None:
        self.scene = scene
        self.variables = variables
        self.outer = outer
        self.body: Body = Body(known=outer.body.known if outer is not None else scene.parameters)
        self.current: dict[str, Step] = {}
        self.readers: dict[str, list[Step]] = {}
        self.line: cst.BaseStatement = cst.SimpleStatementLine([])
        self.silent: list[cst.BaseStatement] = []

    # -- statements ----------------------------------------------------------------------------------------------

    def read(self, statements: Sequence[cst.BaseStatement | cst.BaseSmallStatement], docstring: bool = False) -> Body:
        """The steps of these statements."""
        for place, statement in enumerate(statements):
            if isinstance(statement, cst.BaseSmallStatement):
                self.line = cst.SimpleStatementLine([statement])
                self.small(statement, alone=True)
                continue
            self.line = statement
            if docstring and place == 0 and _is_docstring(statement):
                self.body.head.append(statement)
                continue
            self.body.first = self.body.first or statement
            if isinstance(statement, cst.SimpleStatementLine):
                for small in statement.body:
                    self.small(small, alone=len(statement.body) == 1)
            else:
                self._block(statement)
        return self.body

    def small(self, small: cst.BaseSmallStatement, alone: bool) -> None:
        single = None if alone else small
        match small:
            case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value):
                if self._mapper(target, value) or self._bound(value, target):
                    return
            case cst.AnnAssign(target=target, value=value) if value is not None:
                if self._bound(value, target, small.annotation):
                    return
            case cst.Expr(value=value):
                if self._order(value) or self._late_override(value) or self._bound(value, None):
                    return
            case cst.Return():
                step = ReturnStep(len(self.body.steps), self.line, value=small.value, small=small)
                if small.value is not None:
                    self.expression(small.value, step)
                self.add(step)
                return
        self._plain(small, single)

    def _plain(self, small: cst.CSTNode, single: cst.BaseSmallStatement | None) -> None:
        step = PlainStep(0, self.line, small=single)
        self.expression(small, step)
        inner = frozenset(read.node for read in step.reads if not read.name)
        step.effect = reading.has_effect(self.scene.module, small, inner)
        bare = isinstance(small, cst.Expr)
        changed = {name.value for name in reading.mutated(small, bare, inner) if self.variables.is_local(name)}
        writes: list[str] = []
        stores: list[cst.BaseExpression] = []
        if isinstance(small, cst.Assign):
            stores = [target.target for target in small.targets]
        elif isinstance(small, (cst.AnnAssign, cst.AugAssign, cst.Del)):
            stores = [small.target]
        for store in stores:
            writes += [name.value for name in reading.targets(store)]
            changed.update(name.value for name in _stored_into(store) if self.variables.is_local(name))
        if isinstance(small, cst.AugAssign):
            changed.update(writes)
            writes = []
        for walrus in _walruses(small):
            writes.append(walrus)
        step.mutates = tuple(sorted(changed))
        step.writes = tuple(dict.fromkeys(writes))
        for name in step.mutates:
            step.after += [other for other in self.readers.get(name, ()) if other is not step]
        step.rebinds = bool(step.writes)
        for call, module in reading.foreign(self.scene.module, self.scene.context, small):
            self.scene.plan.report(
                "FB207",
                call,
                f"`{code(call.func)}` comes from `{module}`, which is not converted here: await it if it is a task",
            )
        for node, called, gives in reading.unstable(self.scene.module, small):
            self.scene.plan.report(
                "FB221", node, f"`{called}` gives {gives}: Flyte 1 asked once, when the workflow was registered"
            )
        self.add(step)

    def add(self, step: Step) -> None:
        step.index = len(self.body.steps)
        self.body.steps.append(step)
        step.comments += self.silent
        self.silent = []
        for read in step.reads:
            if read.name:
                self.readers.setdefault(read.name, []).append(step)
        for name in (*step.writes, *(step.mutates if isinstance(step, PlainStep) else ())):
            self.current[name] = step
            if not (isinstance(step, PlainStep) and name in step.mutates):
                self.readers[name] = []

    # -- calls ---------------------------------------------------------------------------------------------------

    def _mapper(self, target: cst.BaseExpression, value: cst.BaseExpression) -> bool:
        """`mapped = map_task(f)` and `bound = partial(f, a=1)`: nothing runs yet; the value is used where it is called."""
        if not (isinstance(target, cst.Name) and isinstance(value, cst.Call)):
            return False
        made = self.scene.qualified(value.func)
        launch_plan = made is not None and made.startswith("flytekit.LaunchPlan")
        if (
            launch_plan
            or made == "flytekit.map_task"
            or (made == "functools.partial" and value.args and self.scene.entity(value.args[0].value) is not None)
        ):
            other = self._used_otherwise(target.value)
            if other is not None and not settled(self.scene, target.value):
                what = "a `map_task(...)`" if made == "flytekit.map_task" else "a task or launch plan"
                message = f"`{target.value}` holds {what}, but which one when it is used is not known here"
                self.scene.plan.report("FB213", other, message)
                return False
            self.scene.mappers[target.value] = value
            if other is not None:
                if made == "flytekit.map_task":
                    message = f"`{target.value}` is a `map_task(...)` that is used where it is not called"
                    self.scene.plan.report("FB213", other, message)
                return False
            self.silent.append(self.line)
            return True
        return False

    def _used_otherwise(self, name: str) -> cst.Name | None:
        """A place where a variable that holds a `map_task(...)` or `partial(...)` is not called, or called where it may hold
        another one; None when there is none."""
        uses = self.scene.uses
        if uses is None:
            return None
        known = uses.settled(name)
        parents = self.scene.module.parents
        for node in uses.reads(name):
            parent = parents.get(node)
            call = parents.get(parent) if isinstance(parent, cst.Arg) else parent
            called = isinstance(call, cst.Call) and (
                call.func is node
                or (call.args and call.args[0] is parent and self.scene.qualified(call.func) in _TAKERS)
            )
            if not called or not known:
                return node
        return None

    def _bound(
        self, value: cst.BaseExpression, target: cst.BaseExpression | None, annotation: cst.Annotation | None = None
    ) -> bool:
        """Whether the statement is a call (assigned or not): then it is a step of its own."""
        if target is not None and any(True for _ in _stored_into(target)):
            return False
        step = self._call(value, None, "")
        if step is None:
            return False
        step.target = target
        if isinstance(step, CallStep):
            step.annotation = annotation
        if target is not None:
            step.writes = tuple(name.value for name in reading.targets(target))
            for name in step.writes:
                self.current[name] = step
                self.readers[name] = []
        return True

    def _call(self, value: cst.BaseExpression, owner: Step | None, hint: str) -> Bound | None:
        from flyte_bridge_translators.source import loop

        branch = parse(self.scene, value) or self._choice(value)
        if branch is not None:
            return self._branch(value, branch, owner, hint)
        mapped = loop.comprehension(self, value)
        found = mapped.found if mapped is not None else recognize(self.scene, value)
        if found is None:
            return None
        step = CallStep(0, self.line, call=value, callee=found.callee, owner=owner, hint=hint, cost=1)
        for inner, wish in found.inner:
            self.expression(inner, step, wish)
        if mapped is not None:
            self.escape(step, mapped.body)
        self.add(step)
        return step

    def _choice(self, value: cst.BaseExpression) -> Parsed | None:
        """`f(x=1) if ready else g(x=1)`: Python's own choice, made between calls."""
        if not isinstance(value, cst.IfExp) or self.holds_call(value.test):
            return None
        if not (self.holds_call(value.body) or self.holds_call(value.orelse)):
            return None
        return Parsed("choice", (Case(value.test, value.body), Case(None, value.orelse)))

    def _branch(self, value: cst.BaseExpression, parsed: Parsed, owner: Step | None, hint: str) -> BranchStep:
        from flyte_bridge_translators.source.shape import compile_body

        step = BranchStep(0, self.line, call=value, owner=owner, hint=hint, cost=1, name=parsed.name)
        for case in parsed.cases:
            arm = Arm(case.condition, message=case.message)
            if case.condition is not None:
                if not isinstance(value, cst.IfExp):
                    rewrite_condition(self.scene, case.condition)
                self.expression(case.condition, step)
            if case.then is not None:
                inner = Reader(self.scene, self.variables, self)
                inner.line = self.line
                wrapped = ReturnStep(0, self.line, value=case.then)
                inner.expression(case.then, wrapped)
                inner.add(wrapped)
                step.outputs = _first_outputs(step.outputs, inner.body, self)
                arm.shape = compile_body(self.scene, inner.body)
                self.escape(step, inner.body)
            step.arms.append(arm)
        self.add(step)
        return step

    def expression(self, node: cst.CSTNode, step: Step, hint: str = "") -> None:
        """Collects what a piece of text reads; calls in it become steps of their own, or are awaited in place."""
        if isinstance(node, cst.BaseExpression):
            if isinstance(node, (cst.Attribute, cst.Subscript)) and self._part(node, step):
                return
            if isinstance(node, cst.Name):
                if self.variables.is_local(node):
                    self.read_name(node, node, step, None)
                return
            if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Subscript):
                self._node_output(node)
            inner = self._call(node, step, hint)
            if inner is not None:
                step.reads.append(Read(node, "", inner))
                return
            if isinstance(node, _CONDITIONAL) and self.holds_call(node):
                self.in_place(node, step)
                return
        if isinstance(node, cst.Attribute):
            self.expression(node.value, step)
        elif isinstance(node, cst.Arg):
            self.expression(node.value, step, node.keyword.value if node.keyword is not None else "")
        elif isinstance(node, (cst.Assign, cst.AnnAssign, cst.AugAssign)):
            self._assignment(node, step)
        else:
            for child in children(node):
                self.expression(child, step)

    def _assignment(self, node: cst.Assign | cst.AnnAssign | cst.AugAssign, step: Step) -> None:
        if node.value is not None:
            self.expression(node.value, step)
        stores = [target.target for target in node.targets] if isinstance(node, cst.Assign) else [node.target]
        for store in stores:
            if isinstance(store, cst.Name) and isinstance(node, cst.AugAssign):
                self.read_name(store, store, step, None)
            elif isinstance(store, (cst.Attribute, cst.Subscript)):
                self.expression(store, step)

    def _part(self, node: cst.Attribute | cst.Subscript, step: Step) -> bool:
        """`r.score`, `r.o0`, `r[1]`, `n.outputs["o0"]` of a result with several outputs, or of a call."""
        wanted, base = _selected(node)
        if wanted is None:
            return False
        source: Step | None
        if isinstance(base, cst.Name):
            if not self.variables.is_local(base):
                return False
            if not settled(self.scene, base.value):
                if wanted == "o0" and self.scene.uses is not None and self.scene.uses.single(base.value):
                    self.read_name(node, base, step, "o0")
                    return True
                if isinstance(node, cst.Attribute):
                    self._node_output(node)
                return False
            source = self.lookup(base.value)
            name = base.value
        else:
            if recognize(self.scene, base) is None and parse(self.scene, base) is None:
                return False
            source = self._call(base, step, "")
            name = ""
        output = _output(source, wanted) if isinstance(source, (CallStep, BranchStep)) else None
        if output is None:
            if not name and source is not None:
                step.reads.append(Read(base, "", source))
                return True
            return False
        if isinstance(base, cst.Name):
            self.read_name(node, base, step, output)
        else:
            step.reads.append(Read(node, "", source, output))
        return True

    def _node_output(self, node: cst.Attribute) -> None:
        """`nodes[0].o0`: an output of a node by its generated name, where which node it is cannot be told."""
        name, base = node.attr.value, node.value
        of_outputs = isinstance(base, cst.Attribute) and base.attr.value == "outputs"
        if _GENERATED.fullmatch(name) or of_outputs:
            message = f"`{code(node)}` is an output of a node, but which node's is not known here"
            self.scene.plan.report("FB223", node, message)

    def read_name(self, node: cst.BaseExpression, name: cst.Name, step: Step, output: str | None) -> None:
        read = Read(node, name.value, self.lookup(name.value), output)
        step.reads.append(read)
        if name.value not in self.current:
            self.body.free.add(name.value)
            if read.source is not None:
                self.body.outside.append(read)

    def escape(self, step: Step, inner: Body) -> None:
        """What a block inside a step reads, the step reads; what is bound further out, this block reads from outside."""
        step.reads += inner.outside
        own = set(self.body.steps)
        self.body.outside += [read for read in inner.outside if read.source not in own]
        self.body.free |= {name for name in inner.free if name not in self.current}

    def lookup(self, name: str) -> Step | None:
        reader: Reader | None = self
        while reader is not None:
            if name in reader.current:
                return reader.current[name]
            reader = reader.outer
        return None

    def holds_call(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.BaseExpression) and (
            recognize(self.scene, node) is not None or parse(self.scene, node) is not None
        ):
            return True
        return any(self.holds_call(child) for child in children(node))

    def in_place(self, node: cst.CSTNode, step: Step) -> None:
        """Calls that may not run, or run often, are awaited where they stand."""
        step.cost = 1
        if isinstance(node, cst.Lambda):
            self.scene.plan.report("FB222", node, "a lambda calls a task: make it an `async def` and await it")
            return
        if isinstance(node, cst.BaseExpression):
            found = recognize(self.scene, node, in_place=True)
            if found is not None:
                callee = found.callee
                if isinstance(step, PlainStep):
                    step.in_place += 1 + isinstance(self.scene.module.parents.get(node), cst.BaseComp)
                for inner, _ in found.inner:
                    self.in_place(inner, step)
                if callee.prepares:
                    message = f"`{code(node)}` needs lines before it: write it as a statement of its own"
                    self.scene.plan.report("FB222", node, message)
                elif callee.awaits:
                    self.scene.plan.replace(node, lambda rewrite: awaited(callee.awaitable(rewrite)))
                else:
                    self.scene.plan.replace(node, callee.awaitable)
                return
        if isinstance(node, cst.Name):
            if self.variables.is_local(node):
                self.read_name(node, node, step, None)
            return
        for child in [node.value] if isinstance(node, cst.Attribute) else children(node):
            self.in_place(child, step)

    # -- order, blocks ---------------------------------------------------------------------------------------------

    def _order(self, value: cst.BaseExpression) -> bool:
        """`a >> b >> c` and `a.runs_before(b)`: an order, nothing to run besides the calls in it."""
        from flyte_bridge_translators.source.ordering import operands

        parts = operands(value)
        if parts is None:
            return False
        steps = [self._operand(part) for part in parts]
        places = [isinstance(part, (cst.Subscript, cst.Call)) or self._is_local(part) for part in parts]
        if not any(steps) and not all(places):
            return False
        for (first, before), (_, after) in pairwise(zip(parts, steps, strict=True)):
            if not isinstance(after, (CallStep, BranchStep)):
                self._lost_order(value)
                continue
            if after.line is not self.line and self.line not in after.comments:
                after.comments.append(self.line)
            if before is None and isinstance(first, cst.Name):
                self.read_name(first, first, after, None)  # bound outside this block, or by the iteration before
            elif before is None or before is after or isinstance(before, PlainStep):
                self._lost_order(value)
            elif before not in after.after:
                after.after.append(before)
        return True

    def _is_local(self, part: cst.BaseExpression) -> bool:
        return isinstance(part, cst.Name) and self.variables.is_local(part)

    def _lost_order(self, value: cst.BaseExpression) -> None:
        message = f"`{code(value)}` puts nodes in order, but which ones is not known here: it was left out"
        self.scene.plan.report("FB245", value, message)
        self.silent.append(self.line)

    def _operand(self, part: cst.BaseExpression) -> Step | None:
        if isinstance(part, cst.Name):
            step = self.current.get(part.value)
            if isinstance(step, CallStep):
                step.ordered_only = True
            return step
        if isinstance(part, (cst.Attribute, cst.Subscript)):
            base = reading.base_name(part)
            return self.current.get(base.value) if base is not None else None
        return self._call(part, None, "")

    def _late_override(self, value: cst.BaseExpression) -> bool:
        """`r.with_overrides(...)` as a statement of its own changes the call that gave `r`."""
        from dataclasses import replace

        from flyte_bridge_translators.source.map_task import MapCallee
        from flyte_bridge_translators.source.named_result import NamedCallee
        from flyte_bridge_translators.source.node import EntityCallee, settings_of

        bare, overrides = peel_overrides(value)
        if not overrides or not isinstance(bare, cst.Name):
            return False
        step = self.current.get(bare.value)
        if not isinstance(step, CallStep):
            return False
        settings = list(settings_of(self.scene, overrides))
        callee = step.callee
        if isinstance(callee, EntityCallee):
            step.callee = replace(callee, settings=[*callee.settings, *settings])
        elif isinstance(callee, NamedCallee):
            step.callee = replace(callee, inner=replace(callee.inner, settings=[*callee.inner.settings, *settings]))
        elif isinstance(callee, MapCallee):
            one = callee.callee
            step.callee = replace(callee, callee=replace(one, settings=[*one.settings, *settings]))
        else:
            return False
        for _, setting in settings:
            self.expression(setting, step)
        return True

    def _block(self, statement: cst.BaseStatement) -> None:
        from flyte_bridge_translators.source import loop

        loop.read_block(self, statement)


def awaited(expression: cst.BaseExpression) -> cst.Await:
    """`await <expression>`, in parentheses so that it may stand anywhere."""
    return cst.Await(expression, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _is_docstring(statement: cst.BaseStatement) -> bool:
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and len(statement.body) == 1
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )


def _stored_into(store: cst.BaseExpression) -> Iterator[cst.Name]:
    """The variables whose parts a target changes: `d["k"] = ...`, `r.x = ...`."""
    if isinstance(store, (cst.Attribute, cst.Subscript)):
        base = reading.base_name(store)
        if base is not None:
            yield base
    elif isinstance(store, (cst.Tuple, cst.List)):
        for element in store.elements:
            yield from _stored_into(element.value)


def _walruses(node: cst.CSTNode) -> Iterator[str]:
    if isinstance(node, cst.NamedExpr) and isinstance(node.target, cst.Name):
        yield node.target.value
    for child in children(node):
        yield from _walruses(child)


def _selected(node: cst.Attribute | cst.Subscript) -> tuple[str | int | None, cst.BaseExpression]:
    """Which part of a result an expression takes, and of what: `r.a`, `r[0]`, `n.outputs["a"]`, `n.outputs.a`."""
    base = node.value
    wanted: str | int | None = None
    if isinstance(node, cst.Attribute):
        wanted = node.attr.value
    elif len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Index):
        index = node.slice[0].slice.value
        wanted = int(index.value) if isinstance(index, cst.Integer) else string_value(index)
    if isinstance(base, cst.Attribute) and base.attr.value == "outputs":
        base = base.value
    return wanted, base


def _output(step: CallStep | BranchStep, wanted: str | int) -> str | None:
    """The output a part names, when it is one of the step's own outputs and not a part of its value."""
    outputs = step.outputs
    if isinstance(wanted, int):
        several = outputs.kind in {"tuple", "named"} and len(outputs.names) > 1
        return outputs.names[wanted] if several and -len(outputs.names) <= wanted < len(outputs.names) else None
    if wanted in outputs.names and (outputs.kind in {"tuple", "named"} or wanted == "o0"):
        return wanted
    return None


def _first_outputs(known: Outputs, body: Body, outer: Reader) -> Outputs:
    """What a conditional returns is what its first arm with a call returns."""
    del outer
    if known.kind != "unknown":
        return known
    last = [step for step in body.steps if isinstance(step, (CallStep, BranchStep))]
    return last[-1].outputs if last else known
