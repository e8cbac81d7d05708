"""An int where a float is declared: Flyte 1 made a float of what a task or a workflow's input gave, Flyte 2 refuses it.

Measured with flytekit 1.16: `half(x=three())`, `half(x=n)` of an input, `[three()]` for `List[float]` and `return three()` of a
workflow all give floats.
"""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import expression
from flyte_bridge_translators.source.data.values import Values
from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.edits import Edit, Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Entity, Kind, Outputs, entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code

_FLOATS = frozenset({"float", "Optional[float]", "typing.Optional[float]", "float | None"})
_LISTS = frozenset({"List[float]", "list[float]", "typing.List[float]"})
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
            entity = self._called(call)
            if entity is not None and self._is_in_driver(call):
                self._arguments(call, entity)
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

    def _arguments(self, call: cst.Call, entity: Entity) -> None:
        declared = {each.name: each.annotation or "" for each in entity.parameters}
        order = list(declared)
        for index, argument in enumerate(call.args):
            if argument.star:
                continue
            name = argument.keyword.value if argument.keyword else order[index] if index < len(order) else ""
            self._into(argument, argument.value, declared.get(name, ""))

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
        if annotation in _FLOATS and self._is_int(value):
            self._convert(holder, value)
        elif annotation in _LISTS and isinstance(value, cst.List):
            for element in value.elements:
                if self._is_int(element.value):
                    self._convert(element, element.value)

    def _convert(self, holder: cst.CSTNode, value: cst.BaseExpression) -> None:
        known = arguments.constant(value)
        if known is not None:
            self.plan.replace(value, expression(f"{known!r}.0"), _WHY)
        elif isinstance(value, cst.Name):
            self.plan.replace(value, lambda rewrite: expression("float({x})", x=rewrite.inside(value)), _WHY)
        else:
            # Whoever awaits the call edits the call itself: what holds it is ours.
            self.plan.replace(holder, _held(holder), _WHY)

    def _is_int(self, value: cst.BaseExpression, depth: int = 0) -> bool:
        """Whether an expression is an int that Flyte 1 knew for one: an input, the output of a task, a number."""
        known = arguments.constant(value)
        if known is not None:
            return isinstance(known, int) and not isinstance(known, bool)
        if isinstance(value, cst.Call):
            return self._output(value, None)
        if isinstance(value, cst.Attribute):
            return self._field(value)
        if not isinstance(value, cst.Name) or depth > 8:
            return False
        bindings = self.module.names.bindings(value)
        return bool(bindings) and all(self._bound(each.node, each.value, depth) for each in bindings)

    def _bound(self, node: cst.CSTNode, value: cst.BaseExpression | None, depth: int) -> bool:
        if isinstance(node, cst.Param):
            return node.annotation is not None and code(node.annotation.annotation) == "int"
        if value is not None:
            return self._is_int(value, depth + 1)
        element = self.module.parents.get(node)
        places = self.module.parents.get(element) if isinstance(element, cst.Element) else None
        target = self.module.parents.get(places) if isinstance(places, (cst.Tuple, cst.List)) else None
        assign = self.module.parents.get(target) if isinstance(target, cst.AssignTarget) else None
        if not isinstance(assign, cst.Assign) or not isinstance(places, (cst.Tuple, cst.List)):
            return False
        return self._output(assign.value, next(i for i, each in enumerate(places.elements) if each is element))

    def _output(self, call: cst.BaseExpression, index: int | None) -> bool:
        """Whether one output of what is called is an int; without an index, its only one."""
        entity = self._called(call)
        outputs = self.context.outputs(entity) if entity is not None else None
        if outputs is None or (index is None and len(outputs.annotations) != 1):
            return False
        return outputs.annotations[(index or 0) : (index or 0) + 1] == ("int",)

    def _field(self, value: cst.Attribute) -> bool:
        """`stats.total`, of a named output."""
        made: cst.BaseExpression | None = value.value
        if isinstance(made, cst.Name):
            bindings = self.module.names.bindings(made)
            made = bindings[0].value if len(bindings) == 1 else None
        entity = self._called(made) if made is not None else None
        outputs = self.context.outputs(entity) if entity is not None else None
        if outputs is None or outputs.kind != "named" or value.attr.value not in outputs.names:
            return False
        return outputs.annotations[outputs.names.index(value.attr.value)] == "int"


def _held(holder: cst.CSTNode) -> Edit:
    def edit(rewrite: Rewrite) -> cst.CSTNode:
        node = rewrite.inside(holder)
        return node.with_changes(value=expression("float({x})", x=node.value))  # type: ignore[attr-defined]

    return edit
