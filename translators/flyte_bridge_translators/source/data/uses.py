"""How a file or directory is used in a body: as a path, by its methods, or passed on as it is."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from flyte_bridge_translators.source.data.datatypes import CLASS, DIRECTORY, FILE, PATH, DataShape
from flyte_bridge_translators.source.data.values import Values
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.tree import code

PASSED_ON = frozenset(
    {
        "all", "any", "bool", "dict", "enumerate", "filter", "functools.partial", "getattr", "hasattr", "hash", "id", "isinstance",
        "iter", "len", "list", "map", "max", "min", "next", "partial", "range", "repr", "reversed", "set", "sorted", "sum", "tuple",
        "type", "typing.cast", "cast", "zip", "setattr", "vars", "copy.copy", "copy.deepcopy", "flyte.map",
    }
)  # fmt: skip
"""Functions that take a file without asking for its path."""

_CONTAINER_METHODS = {
    "create_from",
    "append",
    "add",
    "insert",
    "extend",
    "setdefault",
    "put",
    "index",
    "count",
    "remove",
}


def data_uses(module: Module, values: Values) -> Iterator[tuple[cst.BaseExpression, DataShape]]:
    """Every expression that is a file or directory (or the path that stood for one), innermost function or not."""
    for node in module.every(cst.Name, cst.Attribute, cst.Subscript, cst.Call, cst.Await):
        shape = values.shape(node)
        if shape is not None and (shape.kind in {FILE, DIRECTORY} or shape.late):
            yield node, shape


def is_path_use(module: Module, values: Values, node: cst.BaseExpression) -> bool:
    """Whether the place of an expression wants a path: an argument of a function that knows nothing of Flyte, or a `with`'s."""
    parent = module.parents.get(node)
    if not isinstance(parent, cst.Arg):
        return False
    call = module.parents.get(parent)
    return isinstance(call, cst.Call) and call.func is not node and wants_path(module, values, call, parent)


def wants_path(module: Module, values: Values, call: cst.Call, argument: cst.Arg) -> bool:
    """Whether a call reads this argument as a path."""
    func = call.func
    name = code(func)
    qualified = module.names.qualified(func)
    if name in PASSED_ON or qualified in PASSED_ON or name == "print":
        return False
    if values.made(call) is not None or is_v1(qualified):
        return False
    if isinstance(func, cst.Call):  # `map_task(f)(xs=files)`, `partial(f)(x)`, a decorator's result
        return False
    if values.context.entity(qualified) is not None or values.context.callees(module, func).awaits:
        return False
    if isinstance(func, cst.Attribute):
        if func.attr.value in _CONTAINER_METHODS:
            return False
        owner = values.context.entity(module.names.qualified(func.value))
        if owner is not None:  # `task.with_overrides(…)`, `wf.add_entity(…)`
            return False
    shape = values.shape(call)
    if shape is not None and shape.kind == CLASS:
        return False
    function = values.local_function(call)
    if function is not None:
        parameter = _parameter(function, call, argument)
        if parameter is None:
            return False
        declared = values.parameter(parameter)
        return declared is not None and declared.kind == PATH
    # A class or function of the project that is not a task may do anything; its author annotated it, if at all, elsewhere.
    resolved = values.context.resolve(qualified)
    return not (resolved is not None and resolved.rpartition(".")[0] in values.context.facts)


def _parameter(function: cst.FunctionDef, call: cst.Call, argument: cst.Arg) -> cst.Param | None:
    """The parameter of a function that an argument binds."""
    every = (*function.params.posonly_params, *function.params.params, *function.params.kwonly_params)
    if argument.keyword is not None:
        return next((parameter for parameter in every if parameter.name.value == argument.keyword.value), None)
    index = next(i for i, each in enumerate(call.args) if each is argument)
    positional = (*function.params.posonly_params, *function.params.params)
    return positional[index] if index < len(positional) else None


def in_loop(module: Module, node: cst.CSTNode, inside: cst.CSTNode) -> bool:
    """Whether a node may be evaluated more than once per evaluation of what it stands in."""
    repeated = (
        cst.For,
        cst.While,
        cst.ListComp,
        cst.SetComp,
        cst.DictComp,
        cst.GeneratorExp,
        cst.Lambda,
        cst.FunctionDef,
    )
    below = node
    for above in module.ancestors(node):
        if above is inside:
            return False
        if isinstance(above, repeated) and not (isinstance(above, cst.For) and below is above.iter):
            return True
        below = above
    return False


def origin(module: Module, values: Values, path: cst.BaseExpression | None, depth: int = 0) -> str:
    """Where a path leads: `remote` (a URL), `local`, or `unknown` (it comes from outside)."""
    if path is None or depth > 6:
        return "local"
    if isinstance(path, (cst.SimpleString, cst.ConcatenatedString)):
        return "remote" if "://" in code(path) else "local"
    if isinstance(path, cst.FormattedString):
        first = path.parts[0] if path.parts else None
        if isinstance(first, cst.FormattedStringText):
            return "remote" if "://" in code(path) else "local"
        if isinstance(first, cst.FormattedStringExpression):
            return "remote" if "://" in code(path) else origin(module, values, first.expression, depth + 1)
    if isinstance(path, cst.BinaryOperation):
        return origin(module, values, path.left, depth + 1)
    if isinstance(path, cst.Attribute):
        if path.attr.value in {"remote_source", "uri", "raw_output_prefix"}:
            return "remote"
        return _by_name(path.attr.value, "local")
    if isinstance(path, cst.Call):
        name = code(path.func)
        if (
            name in {"str", "Path", "pathlib.Path", "os.path.join", "os.fspath", "os.path.abspath", "join"}
            and path.args
        ):
            return origin(module, values, path.args[0].value, depth + 1)
        return "local"
    if isinstance(path, cst.Name):
        return _of_name(module, values, path, depth)
    return "local"


def _of_name(module: Module, values: Values, path: cst.Name, depth: int) -> str:
    bindings = module.names.bindings(path)
    if not bindings:
        return "local"
    binding = bindings[-1]
    if isinstance(binding.node, cst.Param):
        shape = values.parameter(binding.node)
        return _by_name(path.value, "unknown" if shape is None or shape.kind == PATH else "local")
    if binding.value is not None:
        return origin(module, values, binding.value, depth + 1)
    return _by_name(path.value, "local")


def _by_name(name: str, otherwise: str) -> str:
    words = name.lower().split("_")
    return "remote" if {"url", "uri", "s3", "gs", "gcs", "http", "https", "remote"} & set(words) else otherwise
