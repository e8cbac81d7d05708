"""Flyte 1's data types wherever they are named: annotations, dataclass fields, aliases, string annotations.

`FlyteFile["csv"]` becomes `File`, `Annotated[StructuredDataset, kwtypes(a=int)]` becomes
`Annotated[DataFrame, OrderedDict(a=int)]`.
Constructors (`FlyteFile(path)`) are the business of `file`, `directory` and `structured_dataset`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

import libcst as cst

from flyte_bridge_translators.source.data.datatypes import IO, NAMED, SCHEMA, parse_quoted
from flyte_bridge_translators.source.data.flyte_io import expression, io_class, member
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import renderer
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, string_value, walk

_DROPPED = {
    "flytekit.types.file.FileExt": None,
    "flytekit.BatchSize": ("FB403", "BatchSize is dropped: Flyte 2 pickles each element of the list by itself"),
}
"""What may stand beside a type in `Annotated` and means nothing in Flyte 2, and what to report."""

_CONSTANTS = {
    f"flytekit.types.structured.structured_dataset.{name}": f'"{value}"'
    for name, value in (("CSV", "csv"), ("PARQUET", "parquet"), ("GENERIC_FORMAT", ""))
}

_PICKLE = "flytekit.types.pickle.FlytePickle"


def translate(module: Module, context: Context) -> Plan:
    """Replace the names of Flyte 1's data types."""
    del context
    plan = Plan("types")
    if not module.references:
        return plan
    for node, qualified in module.references:
        if qualified in NAMED:
            _type(module, plan, node, qualified)
        elif qualified == _PICKLE:
            _pickle(module, plan, node)
        elif qualified == "flytekit.kwtypes":
            plan.replace(node, member(module, plan, "collections", "OrderedDict"), "kwtypes is an OrderedDict")
        elif qualified in _CONSTANTS:
            plan.replace(node, expression(_CONSTANTS[qualified]), "a format is its name")
        elif qualified.endswith(".register_csv_handlers"):
            _registered(module, plan, node)
        elif qualified == "flytekit.HashMethod":
            _hash(module, plan, node)
        elif qualified in _DROPPED or renderer(qualified) is not None:
            _metadata(module, plan, node, qualified)
    for annotation in _quoted(module):
        _rewrite_quoted(module, plan, annotation)
    return plan


def _type(module: Module, plan: Plan, node: cst.Name | cst.Attribute, qualified: str) -> None:
    kind = NAMED[qualified]
    if kind not in IO or not qualified.startswith("flytekit."):
        return
    target: cst.CSTNode = node
    parent = module.parents.get(node)
    if isinstance(parent, cst.Subscript) and parent.value is node:
        target = parent
    above = module.parents.get(target)
    if isinstance(above, cst.Call) and above.func is target:
        return  # a constructor
    if isinstance(above, cst.Attribute):
        return  # `FlyteFile["csv"].new_remote_file`
    new = io_class(module, plan, IO[kind])
    if target is not node:
        subscript = cast("cst.Subscript", target)
        if kind == SCHEMA:
            columns = next(element.slice.value for element in subscript.slice if isinstance(element.slice, cst.Index))
            annotated = member(module, plan, "typing", "Annotated")

            def with_columns(rewrite: Rewrite) -> cst.CSTNode:
                return expression("{a}[{new}, {columns}]", a=annotated, new=new, columns=rewrite(columns))

            plan.replace(target, with_columns, "a schema with columns is an annotated DataFrame")
            return
        plan.report("FB404", node, f"the format in {code(subscript)} is dropped: Flyte 2 neither stores nor checks it")
        _drop_extension(module, plan, subscript)
    plan.replace(target, new, f"{qualified.rpartition('.')[2]} is flyte.io.{IO[kind]}")


def _drop_extension(module: Module, plan: Plan, subscript: cst.Subscript) -> None:
    """Remove `TAR_GZ = Annotated[str, FileExt("tar.gz")]` when only formats of files used it."""
    for element in subscript.slice:
        value = element.slice.value if isinstance(element.slice, cst.Index) else None
        if not isinstance(value, cst.Name):
            continue
        uses = [chain for chain, name in module.name_references if name == f"{module.name}.{value.value}"]
        statement = next((line for name, _, line in module.assignments if name == value.value), None)
        if statement is None or len(statement.body) != 1:
            continue

        def is_format(use: cst.CSTNode) -> bool:
            above = next((node for node in module.ancestors(use) if isinstance(node, cst.Subscript)), None)
            return above is not None and module.names.qualified(above.value) in NAMED

        if all(is_format(use) for use in uses if module.statement(use) is not statement):
            plan.remove(statement, "only the format of a file used it")


def _pickle(module: Module, plan: Plan, node: cst.Name | cst.Attribute) -> None:
    parent = module.parents.get(node)
    if isinstance(parent, cst.Subscript) and parent.value is node and isinstance(parent.slice[0].slice, cst.Index):
        inner = parent.slice[0].slice.value
        plan.replace(parent, lambda rewrite: rewrite(inner), "Flyte 2 pickles what it does not know")
    elif not isinstance(parent, cst.Call):
        plan.replace(node, member(module, plan, "typing", "Any"), "Flyte 2 pickles what it does not know")


def _registered(module: Module, plan: Plan, node: cst.CSTNode) -> None:
    """`register_csv_handlers()`: Flyte 2 has them registered."""
    call = module.parents.get(node)
    statement = module.parents.get(call) if isinstance(call, cst.Call) else None
    if isinstance(statement, cst.Expr):
        plan.remove(statement, "Flyte 2 reads and writes csv without being told")


def _hash(module: Module, plan: Plan, node: cst.Name | cst.Attribute) -> None:
    """`HashMethod(fn)`, `HashMethod(function=fn)`, `HashMethod[T](fn)`."""
    new = member(module, plan, "flyte.io", "HashFunction")
    target: cst.CSTNode = node
    parent = module.parents.get(node)
    if isinstance(parent, cst.Subscript) and parent.value is node:
        target, parent = parent, module.parents.get(parent)
    if not (isinstance(parent, cst.Call) and parent.func is target):
        plan.replace(target, new)
        return
    plan.replace(target, expression("{new}.from_fn", new=new), "HashMethod(fn) is HashFunction.from_fn(fn)")
    for argument in parent.args:
        if argument.keyword is not None and argument.keyword.value == "function":
            plan.replace(argument, partial(_positional, argument), "`from_fn` calls its function `fn`")


def _positional(argument: cst.Arg, rewrite: Rewrite) -> cst.Arg:
    return rewrite.inside(argument).with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT)


def _metadata(module: Module, plan: Plan, node: cst.CSTNode, qualified: str) -> None:
    """Take one element out of `Annotated[T, …]`; the type alone when nothing else is left."""
    subscript = next((above for above in module.ancestors(node) if isinstance(above, cst.Subscript)), None)
    if subscript is None or code(subscript.value).rpartition(".")[2] != "Annotated" or subscript in plan.replacements:
        return
    for element in subscript.slice[1:]:
        for inner in walk(element):
            found = module.names.qualified(inner) if isinstance(inner, (cst.Name, cst.Attribute)) else None
            report = _DROPPED.get(found or "")
            if report is not None:
                plan.report(report[0], node, report[1])
            elif renderer(found) is not None:
                plan.report("FB422", node, f"{code(element.slice)} is dropped: Flyte 2 has no deck of outputs")

    def without(rewrite: Rewrite) -> cst.CSTNode:
        kept = [subscript.slice[0], *(element for element in subscript.slice[1:] if not _is_dropped(module, element))]
        if len(kept) == 1 and isinstance(kept[0].slice, cst.Index):
            return rewrite(kept[0].slice.value)
        new = [rewrite(element) for element in kept]
        new[-1] = new[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return rewrite.inside(subscript).with_changes(slice=new)

    plan.replace(subscript, without, f"{qualified.rpartition('.')[2]} means nothing in Flyte 2")


def _is_dropped(module: Module, element: cst.SubscriptElement) -> bool:
    return any(
        isinstance(inner, (cst.Name, cst.Attribute)) and _means_nothing(module.names.qualified(inner))
        for inner in walk(element)
    )


def _means_nothing(qualified: str | None) -> bool:
    return qualified in _DROPPED or renderer(qualified) is not None


# -- string annotations ----------------------------------------------------------------------------------------------


def _quoted(module: Module) -> Iterator[cst.SimpleString]:
    """The strings that stand for types in annotations."""
    for node in module.every(cst.Annotation):
        yield from _strings(module, node.annotation)


def _strings(module: Module, node: cst.BaseExpression) -> Iterator[cst.SimpleString]:
    if isinstance(node, cst.SimpleString):
        yield node
    elif isinstance(node, cst.Subscript):
        head = code(node.value).rpartition(".")[2]
        if head == "Literal" or module.names.qualified(node.value) in NAMED:
            return
        elements = node.slice[:1] if head == "Annotated" else node.slice
        for element in elements:
            if isinstance(element.slice, cst.Index):
                yield from _strings(module, element.slice.value)
    elif isinstance(node, cst.BinaryOperation):
        yield from _strings(module, node.left)
        yield from _strings(module, node.right)


class _Renamer(cst.CSTTransformer):
    """Renames the types of a small parsed annotation."""

    def __init__(self, module: Module, plan: Plan) -> None:
        super().__init__()
        self.module = module
        self.plan = plan

    def _new(self, original: cst.BaseExpression) -> cst.BaseExpression | None:
        qualified = self.module.names.qualified(original)
        kind = NAMED.get(qualified or "")
        if kind in IO and qualified is not None and qualified.startswith("flytekit."):
            return io_class(self.module, self.plan, IO[kind])
        return None

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:  # noqa: N802
        return self._new(original_node) or updated_node

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:  # noqa: N802
        return self._new(original_node) or updated_node

    def leave_Subscript(self, original_node: cst.Subscript, updated_node: cst.Subscript) -> cst.BaseExpression:  # noqa: N802
        return self._new(original_node.value) or updated_node


def _rewrite_quoted(module: Module, plan: Plan, node: cst.SimpleString) -> None:
    text = string_value(node)
    parsed = parse_quoted(module, text) if text else None
    if parsed is None:
        return
    new = cast("cst.BaseExpression", parsed.visit(_Renamer(module, plan)))
    if code(new) != text:
        plan.replace(node, cst.SimpleString(f"{node.prefix}{node.quote}{code(new)}{node.quote}"), "a Flyte 2 type")
