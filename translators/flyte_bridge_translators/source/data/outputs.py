"""What leaves a task: Flyte 1 converted it on the way out, Flyte 2 wants it as declared.

A path returned for a file becomes a `File`, a frame for a structured dataset a `DataFrame`, a list for a tuple a tuple; a value
returned without an annotation, which Flyte 1 dropped, is not returned any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import libcst as cst

from flyte_bridge_translators.source.data.datatypes import (
    CLASS,
    DICT,
    DIRECTORY,
    FILE,
    FRAME,
    IO,
    LIST,
    OTHER,
    PATH,
    SCHEMA,
    TUPLE,
    DataShape,
)
from flyte_bridge_translators.source.data.flyte_io import call, expression, io_class
from flyte_bridge_translators.source.data.unflushed import flush
from flyte_bridge_translators.source.data.uses import origin
from flyte_bridge_translators.source.data.values import Values
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Kind, entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code

Wrap = Callable[[cst.BaseExpression], cst.BaseExpression]
"""Takes the rewritten expression, gives the one to write."""


class ReturnRewriter:
    """The rewriting of one file's returns, and of the arguments and constructors that convert in Flyte 1."""

    def __init__(self, module: Module, values: Values, plan: Plan) -> None:
        self.module = module
        self.values = values
        self.plan = plan

    def run(self) -> None:
        returns = _returns(self.module)
        for function in self.module.functions:
            found = entity_decorator(self.module, function)
            kind = found[1] if found is not None else None
            self._defaults(function)
            if kind is Kind.WORKFLOW:
                continue
            if kind is Kind.TASK and function.returns is not None and self._yields(function):
                self.plan.report(
                    "FB431", function.name, f"{function.name.value} yields its output: collect a list and return it"
                )
            if kind is Kind.TASK and function.returns is None:
                self._undeclared(function, returns.get(function, []))
            shape = self.values.returned(function)
            if shape is None:
                continue
            for statement in returns.get(function, []):
                if statement.value is not None:
                    self._return(statement, shape, sure=kind is Kind.DYNAMIC)
        for made in self.module.all_calls:
            self._arguments(made)
        self._stored()
        self._driver_returns(returns)

    def _defaults(self, function: cst.FunctionDef) -> None:
        """`f: FlyteFile = "s3://…"`: Flyte 1 took the text for a file."""
        for parameter in (*function.params.params, *function.params.kwonly_params):
            default = parameter.default
            shape = self.values.parameter(parameter) if parameter.annotation is not None else None
            if shape is None or shape.kind not in {FILE, DIRECTORY} or default is None or code(default) == "None":
                continue
            known = self.values.shape(default)
            if known is not None and known.kind == PATH:
                if origin(self.module, self.values, default) != "remote":
                    self.plan.report(
                        "FB405",
                        default,
                        f"{code(default)} is a local path: nobody uploads it when the code is deployed",
                    )
                io = io_class(self.module, self.plan, IO[shape.kind])
                self._hold(
                    parameter,
                    "default",
                    partial(_existing, io),
                    _WHY,
                )

    # -- returns -----------------------------------------------------------------------------------------------------

    def _return(self, statement: cst.Return, shape: DataShape, *, sure: bool) -> None:
        value = statement.value
        assert value is not None
        if shape.kind == TUPLE and len(shape.items) > 1 and self._is_list(value):
            elements = value.elements if isinstance(value, cst.List) else None
            self._hold(
                statement,
                "value",
                _as_tuple,
                "Flyte 2 wants a tuple where a tuple is declared",
            )
            if elements is not None:
                for element, item in zip(elements, shape.items, strict=False):
                    self._into(element, "value", element.value, item, sure=sure)
            return
        self._into(statement, "value", value, shape, sure=sure)

    def _is_list(self, value: cst.BaseExpression) -> bool:
        """Whether a value returned for a tuple may be a list: a list, or the result of a function we know nothing of."""
        if isinstance(value, (cst.List, cst.ListComp)):
            return True
        if isinstance(value, cst.Name):
            bindings = self.module.names.bindings(value)
            return any(binding.value is not None and self._is_list(binding.value) for binding in bindings)
        if not isinstance(value, cst.Call) or code(value.func) == "tuple":
            return False
        shape = self.values.shape(value)
        if shape is not None:
            return shape.kind == LIST
        known = self.values.context.entity(self.module.names.qualified(value.func))
        # A class or function of the project returns what its author says; a library's may return a list (`quantiles`).
        qualified = self.module.names.qualified(value.func)
        resolved = self.values.context.resolve(qualified) or ""
        ours = resolved.rpartition(".")[0] in self.values.context.facts or resolved.startswith(f"{self.module.name}.")
        named = qualified is not None and qualified.rpartition(".")[2][:1].isupper()
        return known is None and not ours and not named

    def _yields(self, function: cst.FunctionDef) -> bool:
        return any(self.module.function(node) is function for node in self.module.search(function.body, cst.Yield))

    def _undeclared(self, function: cst.FunctionDef, returns: list[cst.Return]) -> None:
        """No annotation, but a value: Flyte 1 dropped it, Flyte 2 refuses it."""
        for statement in returns:
            value = statement.value
            if value is None or code(value) == "None":
                continue
            self.plan.report(
                "FB430",
                statement,
                f"{function.name.value} returns {_short(value)} without declaring it: Flyte 1 dropped the value",
            )
            line = self.module.parents.get(statement)
            bare = statement.with_changes(value=None, whitespace_after_return=cst.SimpleWhitespace(""))
            if (
                isinstance(value, (cst.Call, cst.Await))
                and isinstance(line, cst.SimpleStatementLine)
                and len(line.body) == 1
            ):
                last = isinstance(function.body, cst.IndentedBlock) and function.body.body[-1] is line
                self._evaluated(line, value, bare, last=last)
            else:
                self.plan.replace(statement, bare, "a value that was never declared")

    def _evaluated(
        self, line: cst.SimpleStatementLine, value: cst.BaseExpression, bare: cst.Return, *, last: bool
    ) -> None:
        def edit(rewrite: Rewrite) -> cst.CSTNode | cst.FlattenSentinel[cst.BaseStatement]:
            first = line.with_changes(body=[cst.Expr(rewrite(value))])
            if last:
                return first
            return cst.FlattenSentinel([first, cst.SimpleStatementLine([bare])])

        self.plan.replace(line, edit, "a value that was never declared")

    def _driver_returns(self, returns: dict[cst.FunctionDef, list[cst.Return]]) -> None:
        """A pandas frame of a task that a workflow returns as a structured dataset."""
        for function, statements in returns.items():
            found = entity_decorator(self.module, function)
            shape = self.values.returned(function)
            if found is None or not found[1].is_driver or shape is None:
                continue
            for statement in statements:
                value = statement.value
                if shape.kind == TUPLE and isinstance(value, cst.Tuple):
                    for element, item in zip(value.elements, shape.items, strict=False):
                        self._frame(element, element.value, item)
                elif value is not None:
                    self._frame(statement, value, shape)

    def _frame(self, holder: cst.CSTNode, value: cst.BaseExpression, shape: DataShape) -> None:
        """Wrap a pandas frame that goes where Flyte's is declared."""
        known = self.values.shape(value)
        if shape.kind not in {FRAME, SCHEMA} or known is None or known.name is None or known.kind != OTHER:
            return
        if known.name.rpartition(".")[2] != "DataFrame":
            return
        why = "a task that declares flyte.io.DataFrame takes nothing else"
        if isinstance(value, cst.Name):
            wrap = self._wrap(value, shape)
            self.plan.replace(value, lambda rewrite: wrap(rewrite.inside(value)), why)
        else:
            self._hold(holder, "value", self._wrap(value, shape), why)

    # -- arguments ---------------------------------------------------------------------------------------------------

    def _arguments(self, made: cst.Call) -> None:
        """Text for a file parameter of a task; paths in the fields of a class or NamedTuple."""
        qualified = self.module.names.qualified(made.func)
        entity = self.values.context.entity(qualified)
        if entity is not None:
            target = self.values.context.entity(entity.target) if entity.kind is Kind.LAUNCH_PLAN else entity
            self._bind(made, self.values.declared(target) if target is not None else {}, literal=True)
            return
        shape = self.values.shape(made)
        if shape is not None and shape.kind == CLASS:
            self._bind(made, self.values.fields(shape.name), literal=False)

    def _stored(self) -> None:
        """Paths that are put into fields later: `data.file = path`, `data.files["a"] = path`, `data.files.append(path)`,
        `replace(data, file=path)`."""
        classes = (
            annotation
            for facts in self.values.context.facts.values()
            for each in facts.classes.values()
            for _, annotation in each
        )
        if not any("FlyteFile" in annotation or "FlyteDirectory" in annotation for annotation in classes):
            return
        for node in self.module.search(self.module.tree, cst.Assign):
            assert isinstance(node, cst.Assign)
            shape = self._field(node.targets[0].target) if len(node.targets) == 1 else None
            if shape is not None:
                self._into(node, "value", node.value, shape, sure=True)
        for made in self.module.all_calls:
            if self.module.names.qualified(made.func) == "dataclasses.replace" and made.args:
                known = self.values.shape(made.args[0].value)
                if known is not None and known.kind == CLASS:
                    named = [argument for argument in made.args if argument.keyword is not None]
                    self._bind(made.with_changes(args=named), self.values.fields(known.name), literal=False)
            elif isinstance(made.func, cst.Attribute) and made.func.attr.value == "append" and len(made.args) == 1:
                into = self._field(made.func.value)
                if into is not None and into.kind == LIST:
                    self._into(made.args[0], "value", made.args[0].value, into.items[0], sure=True)

    def _field(self, target: cst.BaseExpression) -> DataShape | None:
        """What is declared where something is stored, if that is a field of a class or a place in one."""
        if isinstance(target, cst.Subscript):
            whole = self._field(target.value)
            return whole.items[0] if whole is not None and whole.kind in {LIST, DICT} else None
        if not isinstance(target, cst.Attribute):
            return None
        owner = self.values.shape(target.value)
        return (
            self.values.fields(owner.name).get(target.attr.value) if owner is not None and owner.kind == CLASS else None
        )

    def _bind(self, made: cst.Call, shapes: Mapping[str, DataShape], *, literal: bool) -> None:
        order = list(shapes)
        for index, argument in enumerate(made.args):
            name = argument.keyword.value if argument.keyword else order[index] if index < len(order) else None
            shape = shapes.get(name or "")
            if shape is None or argument.star:
                continue
            value = argument.value
            if literal and shape.kind in {FRAME, SCHEMA} and not self._takes_native(made, name):
                self._frame(argument, value, shape)
            elif literal:
                if shape.kind in {FILE, DIRECTORY} and isinstance(value, (cst.SimpleString, cst.FormattedString)):
                    wrap = self._wrap(value, shape)
                    self.plan.replace(value, lambda rewrite, value=value, wrap=wrap: wrap(rewrite.inside(value)), _WHY)  # type: ignore[misc]
            else:
                self._into(argument, "value", value, shape, sure=True)

    # -- one value into one declared type ----------------------------------------------------------------------------

    def _into(
        self, holder: cst.CSTNode, field: str, value: cst.BaseExpression, shape: DataShape, *, sure: bool
    ) -> None:
        """Convert an expression that goes where `shape` is declared.

        Args:
            holder: The node that has the expression in `field`: it is the one that is edited, so that an edit of the
                expression itself, whoever makes it, still happens.
            field: See `holder`.
            value: The expression.
            shape: What is declared.
            sure: Convert only what is known to be a path.
        """
        if shape.kind == OTHER or code(value) == "None":
            return
        if isinstance(value, cst.IfExp):
            for side in ("body", "orelse"):
                self._into(value, side, getattr(value, side), shape, sure=sure)
            return
        if shape.kind == TUPLE and isinstance(value, cst.Tuple):
            for element, item in zip(value.elements, shape.items, strict=False):
                self._into(element, "value", element.value, item, sure=sure)
        elif shape.kind == CLASS and isinstance(value, cst.Tuple):
            for element, item in zip(value.elements, self.values.fields(shape.name).values(), strict=False):
                self._into(element, "value", element.value, item, sure=sure)
        elif shape.kind == LIST:
            self._into_list(holder, field, value, shape.items[0], sure=sure)
        elif shape.kind == DICT:
            if isinstance(value, cst.Dict):
                for pair in value.elements:
                    if isinstance(pair, cst.DictElement):
                        self._into(pair, "value", pair.value, shape.items[0], sure=sure)
            elif isinstance(value, cst.DictComp):
                self._into(value, "value", value.value, shape.items[0], sure=sure)
        elif shape.kind in IO:
            self._into_io(holder, field, value, shape, sure=sure)

    def _into_list(
        self, holder: cst.CSTNode, field: str, value: cst.BaseExpression, item: DataShape, *, sure: bool
    ) -> None:
        if isinstance(value, cst.List):
            for element in value.elements:
                self._into(element, "value", element.value, item, sure=sure)
        elif isinstance(value, cst.ListComp):
            self._into(value, "elt", value.elt, item, sure=sure)
        elif item.kind in {FILE, DIRECTORY}:
            known = self.values.shape(value)
            if known is not None and known.kind == LIST and known.items[0].kind == PATH:
                io = io_class(self.module, self.plan, IO[item.kind])
                template = call(self.module, holder, "{io}.from_local_sync(path)", io=io)
                self._hold(holder, field, lambda new: expression("[{t} for path in {x}]", t=template, x=new), _WHY)

    def _into_io(
        self, holder: cst.CSTNode, field: str, value: cst.BaseExpression, shape: DataShape, *, sure: bool
    ) -> None:
        known = self.values.shape(value)
        if shape.kind in {FRAME, SCHEMA}:
            # Flyte 1 took nothing but its own class here, so it is one, and `structured_dataset` has seen to it;
            # except the parameter that it made a pandas frame.
            # A schema was made of a frame too.
            is_frame = shape.kind == SCHEMA and (known is None or known.kind not in {FRAME, SCHEMA})
            if is_frame or self._is_native(value):
                self._hold(holder, field, self._wrap(value, shape), "Flyte 2 wants its DataFrame around a frame")
            return
        if known is not None and known.kind != OTHER:
            if known.kind == PATH:
                self._hold(holder, field, self._wrap(value, shape), _WHY)
            return
        if isinstance(value, cst.Call) and code(value.func).endswith(".create_from"):
            return  # an artifact's value is what it was made of
        if sure:
            if known is None and shape.kind in {FILE, DIRECTORY} and isinstance(holder, (cst.Arg, cst.Assign)):
                self.plan.report(
                    "FB415", value, f"{_short(value)} goes where {IO[shape.kind]} is declared: is it one, or a path?"
                )
            return
        self.plan.report(
            "FB402",
            value,
            f"{_short(value)} is taken for a path, because {IO[shape.kind]} is declared and it is not known to be one",
        )
        self._hold(holder, field, self._wrap(value, shape), _WHY)

    def _takes_native(self, made: cst.Call, name: str | None) -> bool:
        """Whether the parameter of a task of this file became a pandas frame."""
        function = self.values.local_function(made)
        return function is not None and any(
            parameter in self.values.native and parameter.name.value == name for parameter in function.params.params
        )

    def _is_native(self, value: cst.BaseExpression) -> bool:
        """Whether a value is a structured dataset's parameter that became a pandas frame."""
        return isinstance(value, cst.Name) and any(
            isinstance(binding.node, cst.Param)
            and binding.node.annotation is not None
            and binding.node in self.values.native
            for binding in self.module.names.bindings(value)
        )

    def _wrap(self, value: cst.BaseExpression, shape: DataShape) -> Wrap:
        io = io_class(self.module, self.plan, IO[shape.kind])
        if shape.kind in {FRAME, SCHEMA}:
            return lambda new: expression("{io}.wrap_df({x})", io=io, x=new)
        if origin(self.module, self.values, value) == "remote":
            return lambda new: expression("{io}.from_existing_remote({x})", io=io, x=new)
        if shape.kind == FILE:
            flush(self.module, self.plan, value, value)
        return lambda new: call(self.module, value, "{io}.from_local_sync({x})", io=io, x=new)

    def _hold(self, holder: cst.CSTNode, field: str, wrap: Wrap, why: str) -> None:
        earlier = self.plan.replacements.get(holder)

        def edit(rewrite: Rewrite) -> cst.CSTNode:
            node = earlier(rewrite) if earlier is not None else rewrite.inside(holder)
            assert isinstance(node, cst.CSTNode)
            return node.with_changes(**{field: wrap(getattr(node, field))})

        self.plan.replace(holder, edit, why)


_WHY = "Flyte 2 does not turn a path into a file by itself"


def _existing(io: cst.BaseExpression, path: cst.BaseExpression) -> cst.BaseExpression:
    return expression("{io}.from_existing_remote({x})", io=io, x=path)


def _as_tuple(new: cst.BaseExpression) -> cst.BaseExpression:
    if not isinstance(new, cst.List):
        return expression("tuple({x})", x=new)
    return cst.Tuple(new.elements, lpar=[], rpar=[])


def _short(value: cst.BaseExpression) -> str:
    text = " ".join(code(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _returns(module: Module) -> dict[cst.FunctionDef, list[cst.Return]]:
    """The return statements of each function, nested functions apart."""
    found: dict[cst.FunctionDef, list[cst.Return]] = {}
    for function in module.functions:
        for node in module.search(function.body, cst.Return):
            if module.function(node) is function:
                found.setdefault(function, []).append(node)  # type: ignore[arg-type]
    return found
