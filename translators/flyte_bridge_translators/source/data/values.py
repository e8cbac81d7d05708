"""Which expressions of a file are files, directories or frames: light type tracking, without control flow.

Good enough for task bodies: parameters by their annotation, variables by what is assigned to them, loop variables by what is
looped over, attributes of the file's own dataclasses, results of tasks and of the file's own functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libcst as cst

from flyte_bridge_translators.source.data.datatypes import (
    CLASS,
    DICT,
    DIRECTORY,
    FILE,
    FRAME,
    LIST,
    NAMED,
    OTHER,
    PATH,
    TUPLE,
    DataShape,
    fields,
    of_annotation,
    of_text,
)
from flyte_bridge_translators.source.engine.entities import Entity, Kind
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import NameBinding
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, walk

_PATHS = frozenset(
    {
        "os.path.join", "os.path.abspath", "os.path.expanduser", "os.path.basename", "os.path.dirname", "os.path.realpath",
        "os.getcwd", "os.fspath", "pathlib.Path", "tempfile.mkdtemp", "tempfile.mktemp", "tempfile.gettempdir",
        "shutil.make_archive", "shutil.copy", "shutil.copyfile", "shutil.move",
    }
)  # fmt: skip
"""Functions that return a path."""

_PATH_METHODS = frozenset(
    {
        "absolute", "as_posix", "format", "joinpath", "resolve", "rename", "replace", "rstrip", "strip", "with_name", "with_stem",
        "with_suffix",
    }
)  # fmt: skip
"""Methods whose result is a path (or text) when what they are called on is one."""

FLYTE1_MAKERS = {
    "new_remote_file": FILE,
    "from_source": None,
    "new": None,
    "new_remote": None,
}
"""Class methods of the Flyte 1 types: what they make (None: their own class)."""


class Values:
    """The shapes of the expressions of one file.

    Args:
        module: The file.
        context: The project.

    Attributes:
        late: The constructors of files that stand for a path until they are returned (`file` decides).
        native: The parameters that became frames of their own (`structured_dataset` decides).
    """

    def __init__(self, module: Module, context: Context) -> None:
        self.module = module
        self.context = context
        self.late: set[cst.CSTNode] = set()
        self.native: set[cst.CSTNode] = set()
        self._memo: dict[cst.CSTNode, DataShape | None] = {}
        self._active: set[cst.CSTNode] = set()

    def shape(self, node: cst.CSTNode | None) -> DataShape | None:
        """The shape of an expression, or None when nothing is known of it."""
        if node is None or node in self._active:
            return None
        if node not in self._memo:
            self._active.add(node)
            try:
                self._memo[node] = self._infer(node)
            finally:
                self._active.discard(node)
        return self._memo[node]

    def forget(self) -> None:
        """Drop what was inferred; for after `late` changed."""
        self._memo.clear()

    def made(self, call: cst.Call) -> DataShape | None:
        """The shape a constructor of a Flyte 1 data type makes: `FlyteFile(…)`, `FlyteFile["csv"](…)`, an alias of the file's."""
        func = call.func
        if isinstance(func, cst.Subscript):
            func = func.value
        if not isinstance(func, (cst.Name, cst.Attribute)):
            return None
        qualified = self.module.names.qualified(func)
        if qualified in NAMED and qualified is not None and qualified.startswith("flytekit."):
            return DataShape(NAMED[qualified])
        if (
            isinstance(func, cst.Name)
            and qualified == f"{self.module.name}.{func.value}"
            and isinstance(self.module.definition(func.value), (cst.Subscript, cst.Name, cst.Attribute))
        ):
            shape = of_annotation(self.module, func)
            return shape if shape.is_io else None
        return None

    def returned(self, function: cst.FunctionDef) -> DataShape | None:
        """What a function's annotation says it returns."""
        if function.returns is None:
            return None
        return of_annotation(self.module, function.returns.annotation)

    def parameter(self, parameter: cst.Param) -> DataShape | None:
        """What a parameter's annotation says it is; without one, what the callers in this file pass."""
        if parameter.annotation is not None:
            return of_annotation(self.module, parameter.annotation.annotation)
        function = next((node for node in self.module.ancestors(parameter) if isinstance(node, cst.FunctionDef)), None)
        passed = [self.shape(value) for value in self._passed(function, parameter)] if function is not None else []
        first = passed[0] if passed else None
        if first is None or not first.is_io or any(shape is None or shape.kind != first.kind for shape in passed):
            return None
        return first

    def declared(self, entity: Entity) -> dict[str, DataShape]:
        """The parameters of a task or workflow; in this file aliases of types are followed."""
        function = self.module.definition(entity.name) if entity.module == self.module.name else None
        if isinstance(function, cst.FunctionDef):
            every = (*function.params.posonly_params, *function.params.params, *function.params.kwonly_params)
            shapes = ((each.name.value, self.parameter(each)) for each in every if each.annotation is not None)
            return {name: shape for name, shape in shapes if shape is not None}
        return {each.name: of_text(each.annotation) for each in entity.parameters if each.annotation}

    def _passed(self, function: cst.FunctionDef, parameter: cst.Param) -> Iterator[cst.BaseExpression]:
        for call in self.module.all_calls:
            if isinstance(call.func, cst.Name) and call.func.value == function.name.value:
                if self.local_function(call) is not function:
                    continue
                for index, argument in enumerate(call.args):
                    if argument.keyword is not None:
                        if argument.keyword.value == parameter.name.value:
                            yield argument.value
                    elif index < len(function.params.params) and function.params.params[index] is parameter:
                        yield argument.value

    def fields(self, qualified: str | None) -> Mapping[str, DataShape]:
        """The fields of a class of the project and their shapes, in order."""
        own = fields(self.module, qualified)
        if own or qualified is None:
            return own
        resolved = self.context.resolve(qualified) or qualified
        facts = self.context.facts.get(resolved.rpartition(".")[0])
        found = (facts.classes.get(resolved) or facts.named_tuples.get(resolved)) if facts is not None else None
        return {name: of_text(annotation) for name, annotation in found or ()}

    def local_function(self, call: cst.Call) -> cst.FunctionDef | None:
        """The function of this file that a call calls."""
        if isinstance(call.func, cst.Name):
            bindings = self.module.names.bindings(call.func)
            if len(bindings) == 1 and isinstance(bindings[0].node, cst.FunctionDef):
                return bindings[0].node
        return None

    # -- one rule per kind of expression -----------------------------------------------------------------------------

    def _infer(self, node: cst.CSTNode) -> DataShape | None:
        if isinstance(node, cst.Name):
            return self._name(node)
        if isinstance(node, cst.Call):
            return self._call(node)
        if isinstance(node, cst.Attribute):
            return self._attribute(node)
        if isinstance(node, cst.Subscript):
            base = self.shape(node.value)
            return self._item(base, node) if base is not None else None
        if isinstance(node, cst.Await):
            return self.shape(node.expression)
        if isinstance(node, (cst.SimpleString, cst.FormattedString, cst.ConcatenatedString)):
            return DataShape(PATH)
        if isinstance(node, cst.IfExp):
            return self.shape(node.body) or self.shape(node.orelse)
        if isinstance(node, cst.BooleanOperation):
            return self.shape(node.left) or self.shape(node.right)
        if isinstance(node, cst.BinaryOperation):
            sides = (self.shape(node.left), self.shape(node.right))
            wanted = isinstance(node.operator, (cst.Add, cst.Divide, cst.Modulo))
            return DataShape(PATH) if wanted and any(side is not None and side.kind == PATH for side in sides) else None
        if isinstance(node, (cst.List, cst.Set)):
            inner = self.shape(node.elements[0].value) if node.elements else self._appended(node)
            return DataShape(LIST, (inner or DataShape(OTHER),))
        if isinstance(node, (cst.ListComp, cst.GeneratorExp, cst.SetComp)):
            return DataShape(LIST, (self.shape(node.elt) or DataShape(OTHER),))
        if isinstance(node, cst.Tuple):
            return DataShape(TUPLE, tuple(self.shape(element.value) or DataShape(OTHER) for element in node.elements))
        if isinstance(node, cst.NamedExpr):
            return self.shape(node.value)
        return None

    def _appended(self, empty: cst.List | cst.Set) -> DataShape | None:
        """What is appended to the variable that an empty list is assigned to."""
        assign = self.module.parents.get(empty)
        target = assign.targets[0].target if isinstance(assign, cst.Assign) else None
        if isinstance(assign, cst.AnnAssign):
            target = assign.target
        if not isinstance(target, cst.Name):
            return None
        for use in loads(self.module, target):
            method = self.module.parents.get(use)
            call = self.module.parents.get(method) if isinstance(method, cst.Attribute) else None
            if (
                isinstance(call, cst.Call)
                and isinstance(method, cst.Attribute)
                and method.attr.value in {"append", "add"}
            ):
                return self.shape(call.args[0].value) if call.args else None
        return None

    def _name(self, node: cst.Name) -> DataShape | None:
        if node.value == "__file__":
            return DataShape(PATH)
        known = [shape for shape in map(self._binding, self.module.names.bindings(node)) if shape is not None]
        if not known:
            return None
        first = known[0]
        if any(shape.kind != first.kind for shape in known):
            io = [shape for shape in known if shape.is_io]
            return io[0] if len(io) == len(known) else None
        return first

    def _binding(self, binding: NameBinding) -> DataShape | None:
        node = binding.node
        if isinstance(node, cst.Param):
            return self.parameter(node)
        if isinstance(node, cst.AnnAssign):
            declared = of_annotation(self.module, node.annotation.annotation)
            return declared if declared.kind != OTHER else self.shape(binding.value)
        if binding.value is not None:
            # `a = b = value` and `a = value` alike.
            return self.shape(binding.value)
        return self._target(node) if isinstance(node, cst.Name) else None

    def _target(self, name: cst.Name) -> DataShape | None:
        """A loop variable or one place of a tuple on the left."""
        path: list[int] = []
        node: cst.CSTNode = name
        for above in self.module.ancestors(name):
            if isinstance(above, (cst.Tuple, cst.List)):
                path.insert(0, next(i for i, element in enumerate(above.elements) if element is node))
            elif isinstance(above, cst.AssignTarget):
                assign = self.module.parents.get(above)
                return self._at(self.shape(assign.value), path) if isinstance(assign, cst.Assign) else None
            elif isinstance(above, (cst.For, cst.CompFor)):
                return self._looped(above.iter, path)
            elif not isinstance(above, cst.Element):
                return None
            node = above
        return None

    def _looped(self, iterated: cst.BaseExpression, path: list[int]) -> DataShape | None:
        if isinstance(iterated, cst.Call):
            name = code(iterated.func).rpartition(".")[2]
            if name == "enumerate" and path[:1] == [1] and iterated.args:
                return self._looped(iterated.args[0].value, path[1:])
            if name == "zip" and path and path[0] < len(iterated.args):
                return self._looped(iterated.args[path[0]].value, path[1:])
            if name in {"sorted", "reversed", "list", "tuple", "set"} and iterated.args:
                return self._looped(iterated.args[0].value, path)
            if name in {"items", "values"} and isinstance(iterated.func, cst.Attribute):
                inner = self.shape(iterated.func.value)
                if inner is not None and inner.kind == DICT and path in ([1], []):
                    return inner.items[0]
        shape = self.shape(iterated)
        if shape is not None and shape.kind == TUPLE and len({item.kind for item in shape.items}) == 1:
            return self._at(shape.items[0], path)
        return self._at(shape.items[0], path) if shape is not None and shape.kind == LIST and shape.items else None

    @staticmethod
    def _at(shape: DataShape | None, path: list[int]) -> DataShape | None:
        for index in path:
            if shape is None:
                return None
            if shape.kind == LIST:
                shape = shape.items[0]
            elif shape.kind == TUPLE and index < len(shape.items):
                shape = shape.items[index]
            else:
                return None
        return shape

    @staticmethod
    def _item(base: DataShape, node: cst.Subscript) -> DataShape | None:
        if base.kind in {LIST, DICT}:
            return base.items[0]
        first = node.slice[0].slice
        if base.kind == TUPLE and isinstance(first, cst.Index) and isinstance(first.value, cst.Integer):
            index = first.value.evaluated_value
            return base.items[index] if index < len(base.items) else None
        return None

    def _attribute(self, node: cst.Attribute) -> DataShape | None:
        base = self.shape(node.value)
        if base is None:
            return None
        if base.kind in {CLASS, OTHER, TUPLE} and base.name is not None:
            return self.fields(base.name).get(node.attr.value)
        if base.is_io and node.attr.value in {"path", "remote_source", "remote_path", "uri"}:
            return DataShape(PATH)
        if base.kind == PATH and node.attr.value in {"parent", "name", "path", "remote_path", "remote_directory"}:
            return DataShape(PATH)
        return None

    def _call(self, node: cst.Call) -> DataShape | None:
        made = self.made(node)
        if made is not None:
            return DataShape(PATH, late=True, name=made.kind) if node in self.late else made
        if isinstance(node.func, cst.Attribute):
            method = self._method(node, node.func)
            if method is not None:
                return method
        qualified = self.module.names.qualified(node.func)
        if qualified in _PATHS or (isinstance(node.func, cst.Name) and node.func.value == "str"):
            return DataShape(PATH)
        if qualified == "flytekit.FlyteDirectory.listdir":
            return DataShape(LIST, (DataShape(FILE),))
        entity = self.context.held(self.module, node.func)
        if entity is not None and entity.kind is not Kind.LAUNCH_PLAN:
            outputs = self.context.outputs(entity)
            shapes = tuple(of_text(annotation) for annotation in outputs.annotations)
            if outputs.kind == "single":
                return shapes[0]
            if outputs.kind in {"tuple", "named"}:
                return DataShape(TUPLE, shapes, name=outputs.named_tuple if outputs.kind == "named" else None)
            return None
        function = self.local_function(node)
        if function is not None:
            return self.returned(function)
        if isinstance(node.func, cst.Name) and qualified == f"{self.module.name}.{node.func.value}":
            defined = self.module.definition(node.func.value)
            if isinstance(defined, (cst.ClassDef, cst.Call)):
                return DataShape(CLASS, name=qualified)
        return DataShape(CLASS, name=qualified) if self.fields(qualified) else None

    def _method(self, node: cst.Call, func: cst.Attribute) -> DataShape | None:
        """`FlyteFile.new_remote_file()`, `directory.new_file()`, `path.with_suffix()`."""
        name = func.attr.value
        if name in FLYTE1_MAKERS:
            stand_in = (
                self.made(cst.Call(func.value))
                if isinstance(func.value, (cst.Name, cst.Attribute, cst.Subscript))
                else None
            )
            if stand_in is not None and stand_in.is_io:
                kind = FLYTE1_MAKERS[name]
                if node in self.late:
                    return DataShape(PATH, late=True, name=stand_in.kind)
                return DataShape(kind) if kind else stand_in
        base = self.shape(func.value)
        if base is None:
            return None
        if base.late and name in {"new_file", "new_dir"}:
            return DataShape(PATH, late=True, name=FILE if name == "new_file" else DIRECTORY)
        if base.is_io:
            if name in {"download", "__fspath__"}:
                return DataShape(PATH)
            if name == "new_file":
                return DataShape(FILE)
            if name == "new_dir":
                return base
            return base if name == "open" and base.kind == FRAME else None
        return DataShape(PATH) if base.kind == PATH and name in _PATH_METHODS else None


def loads(module: Module, name: cst.Name) -> Iterator[cst.Name]:
    """The other places of the function (or module) where the variable that a name binds is used."""
    scope = module.names.scope(name)
    found = scope.lookup(name.value) if scope is not None else None
    if found is None:
        return
    for node in walk(found[0].node):
        if isinstance(node, cst.Name) and node.value == name.value and node is not name:
            used = module.names.scope(node)
            seen = used.lookup(node.value) if used is not None else None
            if seen is not None and seen[0] is found[0] and not _is_bound(module, node):
                yield node


def _is_bound(module: Module, name: cst.Name) -> bool:
    """Whether a name is assigned to where it stands."""
    parent = module.parents.get(name)
    while isinstance(parent, (cst.Element, cst.StarredElement, cst.Tuple, cst.List)):
        name, parent = parent, module.parents.get(parent)  # type: ignore[assignment]
    if isinstance(parent, (cst.AssignTarget, cst.AsName)):
        return True
    return (
        isinstance(parent, (cst.AnnAssign, cst.AugAssign, cst.For, cst.CompFor, cst.NamedExpr))
        and parent.target is name
    )
