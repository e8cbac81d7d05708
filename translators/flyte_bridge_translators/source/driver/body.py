"""Reads the body of a driver into steps: what each reads, binds, and must follow."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from flyte_bridge_translators.source.driver import blocks
from flyte_bridge_translators.source.driver.arm_outputs import common_outputs
from flyte_bridge_translators.source.driver.conditional import Case, Conditional, is_unread, parse, rewrite_condition
from flyte_bridge_translators.source.driver.expression_parts import (
    awaited,
    first_outputs,
    output_of,
    selected,
    stored_into,
    walruses,
)
from flyte_bridge_translators.source.driver.named_result import settled
from flyte_bridge_translators.source.driver.ordering import late_override, read_order
from flyte_bridge_translators.source.driver.recognize import recognize
from flyte_bridge_translators.source.driver.scene import Scene
from flyte_bridge_translators.source.driver.shape import compile_body
from flyte_bridge_translators.source.driver.side_effects import SideEffects
from flyte_bridge_translators.source.driver.steps import (
    Body,
    Bound,
    BranchStep,
    CallStep,
    ConditionArm,
    PlainStep,
    Read,
    ReturnStep,
    Step,
)
from flyte_bridge_translators.source.driver.stored_callables import is_mapper
from flyte_bridge_translators.source.engine import layout, reading
from flyte_bridge_translators.source.engine.tree import children, code

_COMPREHENSIONS = (cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)

_CONDITIONAL = (cst.IfExp, cst.BooleanOperation, cst.Lambda, *_COMPREHENSIONS)
"""Expressions that evaluate a part of themselves never or often: calls in them cannot be taken out."""


_WHOLE = (cst.Expr, cst.Assign, cst.AnnAssign, cst.Return, cst.Arg)
"""What takes an `await` without parentheses."""

_GENERATED = re.compile(r"o[0-9]+")
"""The names Flyte 1 gives to outputs without names."""


class Reader:
    """Reads one block; blocks inside it are read by readers of their own that look names up here."""

    def __init__(self, scene: Scene, variables: reading.Locals, outer: Reader | None = None) -> None:
        self.scene = scene
        self.variables = variables
        self.outer = outer
        self.effects: SideEffects = outer.effects if outer is not None else SideEffects(scene, variables)
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
        if any(True for _ in walruses(small)) and self.holds_call(small):
            self._in_order(small, single)
            return
        if changed := self.effects.changed(small, self.lookup, only_awaited=True):
            names = ", ".join(f"`{name}`" for name in sorted(changed))
            message = f"what is called here changes {names}: it is awaited before anything else is done with that"
            self.scene.plan.report("FB211", small, message)
            self._in_order(small, single)
            return
        match small:
            case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value):
                if is_mapper(self, target, value) or self._bound(value, target):
                    return
            case cst.AnnAssign(target=target, value=value) if value is not None:
                if self._bound(value, target, small.annotation):
                    return
            case cst.Expr(value=value):
                if read_order(self, value) or late_override(self, value) or self._bound(value, None):
                    return
            case cst.Return():
                step = ReturnStep(len(self.body.steps), self.line, value=small.value, small=small)
                if small.value is not None:
                    self.expression(small.value, step)
                self.add(step)
                return
        self._plain(small, single)

    def _in_order(self, small: cst.BaseSmallStatement, single: cst.BaseSmallStatement | None) -> None:
        """A statement that binds a variable in the middle of an expression: its calls are awaited where they stand."""
        if isinstance(small, cst.Return) and small.value is not None:
            step = ReturnStep(len(self.body.steps), self.line, value=small.value, small=small)
            self.in_place(small.value, step)
            own = set(walruses(small))
            step.reads = [read for read in step.reads if read.name not in own or read.source is not None]
            self.add(step)
            return
        self._plain(small, single, in_place=True)

    def _plain(self, small: cst.CSTNode, single: cst.BaseSmallStatement | None, *, in_place: bool = False) -> None:
        step = PlainStep(0, self.line, small=single)
        if in_place:
            self.in_place(small.value if isinstance(small, (cst.Assign, cst.Expr)) else small, step)
        else:
            self.expression(small, step)
        inner = frozenset(read.node for read in step.reads if not read.name)
        step.effect = reading.has_effect(self.scene.module, small, inner)
        bare = isinstance(small, cst.Expr)
        changed = {name.value for name in reading.mutated(small, bare, inner) if self.variables.is_local(name)}
        changed |= self.effects.changed(small, self.lookup)
        writes: list[str] = []
        stores: list[cst.BaseExpression] = []
        if isinstance(small, cst.Assign):
            stores = [target.target for target in small.targets]
        elif isinstance(small, (cst.AnnAssign, cst.AugAssign, cst.Del)):
            stores = [small.target]
        for store in stores:
            writes += [name.value for name in reading.targets(store)]
            changed.update(name.value for name in stored_into(store) if self.variables.is_local(name))
        if isinstance(small, cst.AugAssign):
            changed.update(writes)
            writes = []
        for walrus in walruses(small):
            writes.append(walrus)
        step.mutates = tuple(sorted(changed))
        step.writes = tuple(dict.fromkeys(writes))
        for name in step.mutates:
            before = [*self.readers.get(name, ()), *filter(None, [self.current.get(name)])]
            step.after += [other for other in before if other is not step and other not in step.after]
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

    def _bound(
        self, value: cst.BaseExpression, target: cst.BaseExpression | None, annotation: cst.Annotation | None = None
    ) -> bool:
        """Whether the statement is a call (assigned or not): then it is a step of its own."""
        if target is not None and any(True for _ in stored_into(target)):
            return False
        step = self.call(value, None, "")
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

    def call(self, value: cst.BaseExpression, owner: Step | None, hint: str) -> Bound | None:
        branch = self._conditional(value) or self._choice(value)
        if branch is not None:
            return self._branch(value, branch, owner, hint)
        mapped = blocks.comprehension(self, value)
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

    def _conditional(self, value: cst.BaseExpression) -> Conditional | None:
        """The conditional an expression is; one that is not understood is reported."""
        conditional = parse(self.scene, value)
        if conditional is not None and conditional.wrong:
            self.scene.plan.report("FB242", value, conditional.wrong)
            return None
        return conditional

    def _in_reported(self, node: cst.CSTNode) -> bool:
        """Whether a conditional around it was reported as a whole."""
        above = (each for each in self.scene.module.ancestors(node) if isinstance(each, cst.Call))
        return any(
            conditional is not None and conditional.wrong for conditional in (parse(self.scene, call) for call in above)
        )

    def _is_call(self, node: cst.BaseExpression) -> bool:
        """Whether an expression becomes an await or a branch."""
        conditional = parse(self.scene, node)
        return recognize(self.scene, node) is not None or (conditional is not None and not conditional.wrong)

    def _choice(self, value: cst.BaseExpression) -> Conditional | None:
        """`f(x=1) if ready else g(x=1)`: Python's own choice, made between calls."""
        if not isinstance(value, cst.IfExp) or self.holds_call(value.test):
            return None
        if not (self.holds_call(value.body) or self.holds_call(value.orelse)):
            return None
        return Conditional("choice", (Case(value.test, value.body), Case(None, value.orelse)))

    def _branch(self, value: cst.BaseExpression, parsed: Conditional, owner: Step | None, hint: str) -> BranchStep:
        step = BranchStep(0, self.line, call=value, owner=owner, hint=hint, cost=1, name=parsed.name)
        for case in common_outputs(self.scene, value, parsed):
            arm = ConditionArm(case.condition, message=case.message)
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
                step.outputs = first_outputs(step.outputs, inner.body)
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
            inner = self.call(node, step, hint)
            if inner is not None:
                step.reads.append(Read(node, "", inner))
                return
            if is_unread(self.scene, node) and self.holds_call(node):
                if self._in_reported(node):
                    return
                message = f"`{layout.brief(node)}` is a piece of a conditional: write the conditional as one expression"
                self.scene.plan.report("FB242", node, message)
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
        wanted, base = selected(node)
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
            if not self._is_call(base):
                return False
            source = self.call(base, step, "")
            name = ""
        output = output_of(source, wanted) if isinstance(source, (CallStep, BranchStep)) else None
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
        if isinstance(node, cst.BaseExpression) and self._is_call(node):
            return True
        return any(self.holds_call(child) for child in children(node))

    def in_place(self, node: cst.CSTNode, step: Step) -> None:
        """Calls that may not run, or run often, are awaited where they stand."""
        step.cost = 1
        if isinstance(node, cst.FunctionDef):  # which is read by itself
            return
        if isinstance(node, cst.Lambda):
            self._lambda(node, step)
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
                    bare = isinstance(self.scene.module.parents.get(node), _WHOLE)
                    self.scene.plan.replace(node, lambda rewrite: awaited(callee.awaitable(rewrite), bare=bare))
                else:
                    self.scene.plan.replace(node, callee.awaitable)
                return
        if isinstance(node, cst.Name):
            if self.variables.is_local(node):
                self.read_name(node, node, step, None)
            return
        for child in [node.value] if isinstance(node, cst.Attribute) else children(node):
            self.in_place(child, step)

    def _lambda(self, node: cst.Lambda, step: Step) -> None:
        """A lambda that is one call gives something to await, and its callers await it; in any other no `await` can stand."""
        for name in self.variables.names(node.body):
            self.read_name(name, name, step, None)
        if not self.holds_call(node.body):
            return
        found = recognize(self.scene, node.body, in_place=True)
        alone = found is not None and not any(self.holds_call(inner) for inner, _ in found.inner)
        if found is None or not alone or found.callee.prepares or not found.callee.awaits:
            self.scene.plan.report("FB222", node, "a lambda calls a task: make it an `async def` and await it")
            return
        callee = found.callee
        self.scene.plan.replace(node.body, callee.awaitable)

    # -- order, blocks ---------------------------------------------------------------------------------------------

    def _block(self, statement: cst.BaseStatement) -> None:
        blocks.read_block(self, statement)


def _is_docstring(statement: cst.BaseStatement) -> bool:
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and len(statement.body) == 1
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )
