"""What a type annotation means for data: which values are files, directories, frames, and what holds them.

A `DataShape` is read off an annotation; `values` finds out which expressions of a body have which shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code, string_value

FILE, DIRECTORY, FRAME, SCHEMA, PATH, LIST, DICT, TUPLE, CLASS, OTHER = (
    "file", "directory", "frame", "schema", "path", "list", "dict", "tuple", "class", "other",
)  # fmt: skip

NAMED: Mapping[str, str] = {
    "flytekit.FlyteFile": FILE,
    **{
        f"flytekit.types.file.{name}": FILE
        for name in (
            "CSVFile", "HDF5EncodedFile", "HTMLPage", "JPEGImageFile", "JoblibSerializedFile", "ONNXFile",
            "PDFFile", "PNGImageFile", "PythonNotebook", "PythonPickledFile", "SVGImageFile", "TFRecordFile",
        )
    },
    "flytekit.FlyteDirectory": DIRECTORY,
    "flytekit.types.directory.TFRecordsDirectory": DIRECTORY,
    "flytekit.types.directory.TensorboardLogs": DIRECTORY,
    "flytekit.StructuredDataset": FRAME,
    "flytekit.types.schema.FlyteSchema": SCHEMA,
    "pathlib.Path": PATH,
    "os.PathLike": PATH,
}  # fmt: skip
"""Qualified type → the shape of its values."""

IO = {FILE: "File", DIRECTORY: "Dir", FRAME: "DataFrame", SCHEMA: "DataFrame"}
"""Shape → the class of `flyte.io` that holds such a value."""

_LISTS = {"List", "list", "Sequence", "Iterable", "Iterator", "Set", "set", "Generator"}
_DICTS = {"Dict", "dict", "Mapping", "OrderedDict", "DefaultDict"}


@dataclass(frozen=True)
class DataShape:
    """What a value is, as far as it matters here.

    Attributes:
        kind: One of the constants of this module.
        items: The shapes inside: one for a list or dict (of its values), one per place for a tuple.
        name: For a class: its qualified name.
        optional: Whether it may be None.
        late: Whether it is a path that Flyte 1 held as a file and that becomes one where it leaves the function.
    """

    kind: str
    items: tuple[DataShape, ...] = ()
    name: str | None = None
    optional: bool = False
    late: bool = False

    @property
    def is_io(self) -> bool:
        return self.kind in IO

    def holds(self, *kinds: str) -> bool:
        """Whether it is, or directly contains, a value of one of the kinds."""
        return self.kind in kinds or any(item.holds(*kinds) for item in self.items)


def of_annotation(module: Module, annotation: cst.BaseExpression, depth: int = 0) -> DataShape:
    """The shape of the values of a type expression of this file; aliases of the file are followed."""
    if depth > 8:
        return DataShape(OTHER)
    quoted = string_value(annotation)
    if quoted is not None:
        parsed = parse_quoted(module, quoted)
        return of_annotation(module, parsed, depth + 1) if parsed is not None else DataShape(OTHER)
    if isinstance(annotation, cst.Subscript):
        return _of_subscript(module, annotation, depth)
    if isinstance(annotation, cst.BinaryOperation) and isinstance(annotation.operator, cst.BitOr):
        return _union([of_annotation(module, side, depth + 1) for side in (annotation.left, annotation.right)])
    if not isinstance(annotation, (cst.Name, cst.Attribute)):
        return DataShape(OTHER)
    qualified = module.names.qualified(annotation)
    if qualified is not None and qualified in NAMED:
        return DataShape(NAMED[qualified])
    if isinstance(annotation, cst.Name):
        if annotation.value == "None":
            return DataShape(OTHER, optional=True)
        if annotation.value == "str":
            return DataShape(PATH)
        definition = module.definition(annotation.value) if qualified == f"{module.name}.{annotation.value}" else None
        if isinstance(definition, cst.ClassDef):
            return DataShape(CLASS, name=qualified)
        if isinstance(definition, cst.Call):
            return DataShape(CLASS, name=qualified)
        if isinstance(definition, cst.BaseExpression):
            return of_annotation(module, definition, depth + 1)
    return DataShape(OTHER, name=qualified)


@lru_cache(maxsize=4096)  # the same few annotations are asked for at every call of what they belong to
def of_text(text: str) -> DataShape:
    """The shape of a type expression of another file, known as text: imported names are told by their last part."""
    last = {name.rpartition(".")[2]: kind for name, kind in NAMED.items()}
    try:
        node = cst.parse_expression(text)
    except cst.ParserSyntaxError:
        return DataShape(OTHER)
    stand_in = Module(cst.Module([]))

    def visit(expression: cst.BaseExpression) -> DataShape:
        if isinstance(expression, (cst.Name, cst.Attribute)):
            name = code(expression).rpartition(".")[2]
            if name == "None":
                return DataShape(OTHER, optional=True)
            return DataShape(PATH if name == "str" else last.get(name, OTHER), name=name)
        if isinstance(expression, cst.Subscript):
            return _of_subscript(stand_in, expression, 0, visit)
        if isinstance(expression, cst.BinaryOperation):
            return _union([visit(expression.left), visit(expression.right)])
        quoted = string_value(expression)
        return of_text(quoted) if quoted else DataShape(OTHER)

    return visit(node)


def parse_quoted(module: Module, text: str) -> cst.BaseExpression | None:
    """The expression of a string annotation, with its names looked up at module level."""
    try:
        expression = cst.parse_expression(text)
    except cst.ParserSyntaxError:
        return None
    stack: list[cst.CSTNode] = [expression]
    for node in stack:
        if isinstance(node, cst.Name):
            module.names.scopes.setdefault(node, module.scope)
        stack.extend(child for child in node.children if isinstance(child, cst.CSTNode))
    return expression


def _of_subscript(module: Module, node: cst.Subscript, depth: int, visit: object = None) -> DataShape:
    def inner(expression: cst.BaseExpression) -> DataShape:
        if callable(visit):
            shape = visit(expression)
            assert isinstance(shape, DataShape)
            return shape
        return of_annotation(module, expression, depth + 1)

    head = code(node.value).rpartition(".")[2]
    items = [element.slice.value for element in node.slice if isinstance(element.slice, cst.Index)]
    if head == "Optional":
        return replace(inner(items[0]), optional=True)
    if head == "Union":
        return _union([inner(item) for item in items])
    if head in {"Annotated", "Final", "ClassVar"}:
        return inner(items[0])
    if head in _LISTS:
        return DataShape(LIST, (inner(items[0]),))
    if head in _DICTS:
        return DataShape(DICT, (inner(items[-1]),))
    if head in {"Tuple", "tuple"}:
        if len(items) == 2 and code(items[1]) == "...":
            return DataShape(LIST, (inner(items[0]),))
        return DataShape(TUPLE, tuple(inner(item) for item in items))
    return inner(node.value)


def _union(shapes: list[DataShape]) -> DataShape:
    real = [shape for shape in shapes if not (shape.kind == OTHER and shape.optional and shape.name is None)]
    optional = len(real) < len(shapes) or any(shape.optional for shape in real)
    kinds = {shape.kind for shape in real}
    if len(kinds) == 1:
        return replace(real[0], optional=optional)
    return DataShape(OTHER, optional=optional)


def fields(module: Module, qualified: str | None) -> dict[str, DataShape]:
    """The fields of a class of this file (dataclass, NamedTuple, model) and their shapes, in order; empty when unknown."""
    return {name: of_annotation(module, annotation) for name, annotation in field_annotations(module, qualified)}


def field_annotations(module: Module, qualified: str | None) -> list[tuple[str, cst.BaseExpression]]:
    """The fields of a class of this file and their annotations, in order."""
    if qualified is None or not qualified.startswith(f"{module.name}."):
        return []
    definition = module.definition(qualified[len(module.name) + 1 :])
    if isinstance(definition, cst.ClassDef):
        return [
            (small.target.value, small.annotation.annotation)
            for line in definition.body.body
            if isinstance(line, cst.SimpleStatementLine)
            for small in line.body
            if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name)
        ]
    if isinstance(definition, cst.Call):
        return _call_fields(definition)
    return []


def _call_fields(call: cst.Call) -> list[tuple[str, cst.BaseExpression]]:
    """The fields of `NamedTuple("Out", a=int)` and `NamedTuple("Out", [("a", int)])`."""
    if code(call.func).rpartition(".")[2] != "NamedTuple":
        return []
    found = [(argument.keyword.value, argument.value) for argument in call.args if argument.keyword is not None]
    for argument in call.args:
        if isinstance(argument.value, (cst.List, cst.Tuple)):
            for element in argument.value.elements:
                if isinstance(element.value, (cst.Tuple, cst.List)) and len(element.value.elements) == 2:
                    name = string_value(element.value.elements[0].value)
                    if name is not None:
                        found.append((name, element.value.elements[1].value))
    return found
