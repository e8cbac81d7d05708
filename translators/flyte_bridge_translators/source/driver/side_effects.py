"""Which variables of a driver a call may change: helpers that append to a list they are given, methods that keep what
they are told, inner functions that write to variables around them.

Flyte 1 runs a driver's Python from top to bottom, so such calls stay where they are, and what reads the variable afterwards
waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.expression_parts import stored_into
from flyte_bridge_translators.source.driver.steps import CallStep, PlainStep
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.tree import dotted, walk

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.scene import Scene
    from flyte_bridge_translators.source.driver.steps import Step

_READING = frozenset({"print", "input", "open", "next"}) | reading.BUILTINS - frozenset({"setattr", "delattr", "exec"})
"""Builtins that leave what they are given."""


class SideEffects:
    """Asked of the calls in one driver."""

    def __init__(self, scene: Scene, variables: reading.Locals) -> None:
        """Looks at nothing yet.

        Args:
            scene: The driver.
            variables: Its variables.
        """
        self._scene = scene
        self._variables = variables
        self._functions: dict[str, list[cst.FunctionDef]] = {}
        for function in scene.module.functions:
            self._functions.setdefault(function.name.value, []).append(function)

    def changed(
        self, node: cst.CSTNode, source: Callable[[str], Step | None], *, only_awaited: bool = False
    ) -> set[str]:
        """The variables whose objects the calls in a statement may change.

        Args:
            node: The statement.
            source: Tells what bound a variable last; None for a parameter.
            only_awaited: Ask of calls that become awaits, and of no others.
        """
        return {
            name
            for call in reading.calls(node)
            if not only_awaited or self._scene.callees(call.func).coroutines
            for name in self._by(call)
            if self._can_change(name, source(name))
        }

    def change_globals(self, body: cst.CSTNode) -> bool:
        """Whether a function of this file that is called and awaited here changes what the module holds: nobody can tell who
        reads that."""
        return any(
            isinstance(node, cst.Global) or (isinstance(node, cst.BaseSmallStatement) and self._stores_globally(node))
            for call in reading.calls(body)
            if self._scene.callees(call.func).coroutines
            for function in self._called_functions(call.func)
            for node in walk(function.body)
        )

    def _stores_globally(self, statement: cst.BaseSmallStatement) -> bool:
        held = {name for name, _, _ in self._scene.module.assignments}
        return any(
            _is_changed_by(statement, name.value)
            for name in walk(statement)
            if isinstance(name, cst.Name)
            and name.value in held
            and self._scene.qualified(name) == f"{self._scene.module.name}.{name.value}"
        )

    def _by(self, call: cst.Call) -> Iterator[str]:
        if self._leaves_all(call):
            return
        functions = self._called_functions(call.func)
        for function in functions:
            if self._is_inner(function):
                names = {name.value for name in self._variables.names(function.body)}
                yield from (name for name in names if self._changes(function, name))
        if isinstance(call.func, cst.Attribute):
            base = reading.base_name(call.func.value)
            if base is not None and self._variables.is_local(base) and self._changes_itself(call.func.attr.value):
                yield base.value
        for place, argument in enumerate(call.args):
            base = reading.base_name(argument.value)
            if base is None or not self._variables.is_local(base):
                continue
            if not functions or any(self._changes_parameter(each, argument, place) for each in functions):
                yield base.value

    def _leaves_all(self, call: cst.Call) -> bool:
        """Whether a call is an entity's, flytekit's, or of something that is known to change nothing it is given."""
        callees = self._scene.callees(call.func)
        if self._scene.entity(call.func) is not None or (callees.entities and not callees.coroutines):
            return True
        qualified = self._scene.qualified(call.func)
        if is_v1(qualified) or (qualified or "").startswith(reading.PURE_MODULES):
            return True
        name = dotted(call.func) or ""
        last = name.rpartition(".")[2]
        return name in _READING or last[:1].isupper()

    def _called_functions(self, func: cst.BaseExpression) -> list[cst.FunctionDef]:
        """The functions of this file that a callee may be, by its name: methods for `x.f`, the others for `f`."""
        if isinstance(func, cst.Attribute):
            return [each for each in self._functions.get(func.attr.value, ()) if self._is_method(each)]
        if isinstance(func, cst.Name):
            return [each for each in self._functions.get(func.value, ()) if not self._is_method(each)]
        return []

    def _is_method(self, function: cst.FunctionDef) -> bool:
        holders = (cst.ClassDef, cst.FunctionDef)
        above = next((each for each in self._scene.module.ancestors(function) if isinstance(each, holders)), None)
        return isinstance(above, cst.ClassDef)

    def _is_inner(self, function: cst.FunctionDef) -> bool:
        return any(above is self._variables.function for above in self._scene.module.ancestors(function))

    def _changes_itself(self, method: str) -> bool:
        """Whether a method of that name, in this file, changes its object; one of nobody here is for `reading.mutated`."""
        return any(
            self._changes(function, function.params.params[0].name.value)
            for function in self._functions.get(method, ())
            if function.params.params and self._is_method(function)
        )

    def _changes_parameter(
        self,
        function: cst.FunctionDef,
        argument: cst.Arg,
        place: int,
        seen: frozenset[tuple[cst.FunctionDef, str]] = frozenset(),
    ) -> bool:
        parameters = list(function.params.params)
        if parameters and parameters[0].name.value in ("self", "cls"):
            parameters = parameters[1:]
        if argument.keyword is not None:
            name: str | None = argument.keyword.value
        elif argument.star or place >= len(parameters):
            name = function.params.star_arg.name.value if isinstance(function.params.star_arg, cst.Param) else None
        else:
            name = parameters[place].name.value
        return name is None or self._changes(function, name, seen)

    def _can_change(self, name: str, source: Step | None) -> bool:
        """Whether a variable may hold an object that can change: what an entity gives is a promise."""
        if source is None:
            return self._is_open(name)
        if isinstance(source, CallStep):
            return isinstance(source.call, cst.Call) and self._scene.entity(source.call.func) is None
        return isinstance(source, PlainStep)

    def _is_open(self, name: str) -> bool:
        function = self._variables.function
        if not isinstance(function, cst.FunctionDef):
            return True
        return not any(
            decorated
            in (self._scene.qualified(each.decorator) or "", self._scene.qualified(_called(each.decorator)) or "")
            for each in function.decorators
            for decorated in ("flytekit.workflow", "flytekit.core.workflow.workflow")
        )

    def _changes(
        self, function: cst.FunctionDef, name: str, seen: frozenset[tuple[cst.FunctionDef, str]] = frozenset()
    ) -> bool:
        """Whether a function may change the object of one of its variables."""
        if (function, name) in seen:
            return False
        seen |= {(function, name)}
        for node in walk(function.body):
            if isinstance(node, cst.Nonlocal) and any(item.name.value == name for item in node.names):
                return True
            if isinstance(node, cst.BaseSmallStatement) and _is_changed_by(node, name):
                return True
            if isinstance(node, cst.Call) and self._hands_on(node, name, seen):
                return True
        return False

    def _hands_on(self, call: cst.Call, name: str, seen: frozenset[tuple[cst.FunctionDef, str]]) -> bool:
        given = [
            (place, argument)
            for place, argument in enumerate(call.args)
            if (base := reading.base_name(argument.value)) is not None and base.value == name
        ]
        if not given or self._leaves_all(call):
            return False
        functions = self._called_functions(call.func)
        return not functions or any(
            self._changes_parameter(function, argument, place, seen)
            for function in functions
            for place, argument in given
        )


def _called(decorator: cst.BaseExpression) -> cst.BaseExpression:
    return decorator.func if isinstance(decorator, cst.Call) else decorator


def _is_changed_by(statement: cst.BaseSmallStatement, name: str) -> bool:
    """Whether a statement changes an object through a name: a method, an item, an attribute, `+=`, or a second name for it."""
    bare = isinstance(statement, cst.Expr)
    if any(base.value == name for base in reading.mutated(statement, bare)):
        return True
    stores: list[cst.BaseExpression] = []
    if isinstance(statement, cst.Assign):
        stores = [target.target for target in statement.targets]
        if isinstance(statement.value, cst.Name) and statement.value.value == name:
            return True
    elif isinstance(statement, (cst.AnnAssign, cst.AugAssign, cst.Del)):
        stores = [statement.target]
        if isinstance(statement, cst.AugAssign) and isinstance(statement.target, cst.Name):
            return statement.target.value == name
    return any(base.value == name for store in stores for base in stored_into(store))
