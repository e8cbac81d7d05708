"""An int where a float is declared: Flyte 1 made a float of what a task or a workflow's input gave, Flyte 2 refuses it.

Measured with flytekit 1.16: `half(x=three())`, `half(x=n)` of an input, `[three()]` and `ints()` for `List[float]`, `table()` for
`Dict[str, float]`, `map_task(half)(x=ints())` and `return three()` of a workflow all give floats. What a task's body returns, a
literal and a field of a dataclass are refused by Flyte 1, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import expression
from flyte_bridge_translators.source.data.values import Values
from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.edits import Edit, Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Entity, Kind, Outputs, entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code

_FLOATS = frozenset({"float", "optional[float]", "float|none"})
_TABLE = "dict[str,{}]"
_WRITTEN: Mapping[str, str] = {
    "int": "float({x})",
    "list[int]": "[float(number) for number in {x}]",
    _TABLE.format("int"): "{key: float(number) for key, number in {x}.items()}",
}
"""What is given for floats → how floats are made of it."""

_MAPS = frozenset({"flytekit.map_task", "flytekit.core.array_node_map_task.map_task"})
_WHY = "Flyte 2 takes no int for a float"


class Numbers:
    """The conversions of ints in the drivers of one file."""

    def __init__(self, module: Module, values: Values, plan: Plan) -> None:
        self.module = module
        self.context = values.context
        self.plan = plan

    def run(self) -> None:
        """Look at the calls of entities, and at what workflows return."""
        for call in self.module.all_calls:
            if not self._is_in_driver(call):
                continue
            entity = self._called(call)
            mapped = self._mapped(call) if entity is None else None
            if entity is not None:
                self._arguments(call, entity)
            elif mapped is not None:
                self._arguments(call, mapped, "List[{}]")
        for function in self.module.functions:
            found = entity_decorator(self.module, function)
            if found is not None and found[1] in {Kind.WORKFLOW, Kind.DYNAMIC}:
                self._returns(function)

    def _is_in_driver(self, call: cst.Call) -> bool:
        function = self.module.function(call)
        found = entity_decorator(self.module, function) if function is not None else None
        return found is not None and found[1].is_driver

    def _called(self, call: cst.BaseExpression) -> Entity | None:
        """The task or workflow a call calls, overrides looked through."""
        while isinstance(call, cst.Call) and code(call.func).endswith(".with_overrides"):
            assert isinstance(call.func, cst.Attribute)
            call = call.func.value
        if not isinstance(call, cst.Call):
            return None
        entity = self.context.held(self.module, call.func)
        return entity if entity is not None and entity.kind is not Kind.LAUNCH_PLAN else None

    def _mapped(self, call: cst.Call) -> Entity | None:
        """The task that a call maps: `map_task(half)(…)`, `map_task(partial(half, y=1))(…)`."""
        maker = call.func
        if not isinstance(maker, cst.Call) or self.module.names.qualified(maker.func) not in _MAPS or not maker.args:
            return None
        task = maker.args[0].value
        if isinstance(task, cst.Call) and task.args and code(task.func).rpartition(".")[2] == "partial":
            task = task.args[0].value
        return self.context.held(self.module, task)

    def _arguments(self, call: cst.Call, entity: Entity, each: str = "{}") -> None:
        """Look at the arguments of a call; `each` is what is given for a parameter of type `{}`."""
        declared = {parameter.name: parameter.annotation or "" for parameter in entity.parameters}
        order = list(declared)
        for index, argument in enumerate(call.args):
            if argument.star:
                continue
            name = argument.keyword.value if argument.keyword else order[index] if index < len(order) else ""
            self._into(argument, argument.value, each.format(declared.get(name, "")))

    def _returns(self, function: cst.FunctionDef) -> None:
        entity = self.context.entity(f"{self.module.name}.{function.name.value}")
        outputs = self.context.outputs(entity) if entity is not None else Outputs("unknown")
        for statement in self.module.search(function.body, cst.Return):
            assert isinstance(statement, cst.Return)
            if statement.value is None or self.module.function(statement) is not function:
                continue
            if outputs.kind == "single":
                self._into(statement, statement.value, outputs.annotations[0])
            elif outputs.kind in {"tuple", "named"} and isinstance(statement.value, cst.Tuple):
                for element, annotation in zip(statement.value.elements, outputs.annotations, strict=False):
                    self._into(element, element.value, annotation)

    def _into(self, holder: cst.CSTNode, value: cst.BaseExpression, annotation: str) -> None:
        wanted = _plain(annotation)
        if wanted in _FLOATS and self._is_int(value):
            self._convert(holder, value, "int")
        elif wanted == "list[float]" and isinstance(value, cst.List):
            for element in value.elements:
                if self._is_int(element.value):
                    self._convert(element, element.value, "int")
        elif wanted == _TABLE.format("float") and isinstance(value, cst.Dict):
            for pair in value.elements:
                if self._is_int(pair.value):
                    self._convert(pair, pair.value, "int")
        elif wanted in {"list[float]", _TABLE.format("float")}:
            given = wanted.replace("float", "int")
            if self._gives(value, given):
                self._convert(holder, value, given)

    def _convert(self, holder: cst.CSTNode, value: cst.BaseExpression, given: str) -> None:
        known = arguments.constant(value)
        if known is not None:
            self.plan.replace(value, expression(f"{known!r}.0"), _WHY)
        elif isinstance(value, cst.Name):
            self.plan.replace(value, lambda rewrite: expression(_WRITTEN[given], x=rewrite.inside(value)), _WHY)
        else:
            # Whoever awaits the call edits the call itself: what holds it is ours.
            self.plan.replace(holder, _held(holder, given), _WHY)

    def _is_int(self, value: cst.BaseExpression) -> bool:
        """Whether an expression is an int that Flyte 1 knew for one: an input, the output of a task, a number."""
        known = arguments.constant(value)
        if known is not None:
            return isinstance(known, int) and not isinstance(known, bool)
        return self._gives(value, "int")

    def _gives(self, value: cst.BaseExpression, kind: str, depth: int = 0) -> bool:
        """Whether an expression is an input or the output of a task, of a type."""
        if isinstance(value, cst.Call):
            return self._output(value, None, kind)
        if isinstance(value, cst.Attribute):
            return self._field(value, kind)
        if not isinstance(value, cst.Name) or depth > 8:
            return False
        bindings = self.module.names.bindings(value)
        return bool(bindings) and all(self._bound(each.node, each.value, kind, depth) for each in bindings)

    def _bound(self, node: cst.CSTNode, value: cst.BaseExpression | None, kind: str, depth: int) -> bool:
        if isinstance(node, cst.Param):
            return node.annotation is not None and _plain(code(node.annotation.annotation)) == kind
        if value is not None:
            return self._gives(value, kind, depth + 1) or (kind == "int" and depth < 8 and self._is_int(value))
        element = self.module.parents.get(node)
        places = self.module.parents.get(element) if isinstance(element, cst.Element) else None
        target = self.module.parents.get(places) if isinstance(places, (cst.Tuple, cst.List)) else None
        assign = self.module.parents.get(target) if isinstance(target, cst.AssignTarget) else None
        if not isinstance(assign, cst.Assign) or not isinstance(places, (cst.Tuple, cst.List)):
            return False
        place = next(i for i, each in enumerate(places.elements) if each is element)
        return self._output(assign.value, place, kind)

    def _output(self, call: cst.BaseExpression, index: int | None, kind: str) -> bool:
        """Whether one output of what is called is of a type; without an index, its only one."""
        mapped = self._mapped(call) if isinstance(call, cst.Call) else None
        if mapped is not None:
            each = self.context.outputs(mapped)
            return each.kind == "single" and f"list[{_plain(each.annotations[0])}]" == kind
        entity = self._called(call)
        outputs = self.context.outputs(entity) if entity is not None else None
        if outputs is None or (index is None and len(outputs.annotations) != 1):
            return False
        return [_plain(each) for each in outputs.annotations[(index or 0) : (index or 0) + 1]] == [kind]

    def _field(self, value: cst.Attribute, kind: str) -> bool:
        """`stats.total`, of a named output."""
        made: cst.BaseExpression | None = value.value
        if isinstance(made, cst.Name):
            bindings = self.module.names.bindings(made)
            made = bindings[0].value if len(bindings) == 1 else None
        entity = self._called(made) if made is not None else None
        outputs = self.context.outputs(entity) if entity is not None else None
        if outputs is None or outputs.kind != "named" or value.attr.value not in outputs.names:
            return False
        return _plain(outputs.annotations[outputs.names.index(value.attr.value)]) == kind


def _plain(annotation: str) -> str:
    """An annotation in one spelling: `typing.List[int]` as `list[int]`."""
    return re.sub(r"\s|\b(typing|t)\.", "", annotation).lower()


def _held(holder: cst.CSTNode, given: str) -> Edit:
    def edit(rewrite: Rewrite) -> cst.CSTNode:
        node = rewrite.inside(holder)
        return node.with_changes(value=expression(_WRITTEN[given], x=node.value))  # type: ignore[attr-defined]

    return edit
