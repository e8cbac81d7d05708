"""Files that are still open for writing where they are uploaded.

Flyte 1 uploads a file when its task ends; `File.from_local_sync` uploads at once, and what is still in a buffer, or written later,
is lost. The SDK's local mode hands on the path and shows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from flyte_bridge_translators.source.data.directory import argument_of
from flyte_bridge_translators.source.data.flyte_io import expression
from flyte_bridge_translators.source.data.values import loads
from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import code, walk

_TEMPORARY = frozenset({"tempfile.NamedTemporaryFile", "tempfile.TemporaryFile"})
_CLOSERS = frozenset({"close", "flush"})


def flush(module: Module, plan: Plan, made: cst.CSTNode, path: cst.BaseExpression) -> None:
    """Flush what writes to a path before the statement that uploads it; report what is written later.

    Args:
        module: The file.
        plan: Where edits go.
        made: What is uploaded: the call or the returned value.
        path: Its path.
    """
    function = module.function(made)
    statement = module.statement(made)
    if function is None or not isinstance(statement, cst.SimpleStatementLine):
        return
    order = {node: place for place, node in enumerate(walk(function.body))}
    here = order.get(statement, 0)
    for handle, opened in _handles(module, function, path):
        uses = [(order[use], _method(module, use)) for use in loads(module, handle) if use in order]
        if not order.get(opened, 0) < here or not _is_open(module, statement, opened, uses, here):
            continue
        if any(place > here and method not in {None, *_CLOSERS} for place, method in uses if place > here):
            plan.report("FB417", made, f"`{handle.value}` writes to {code(path)} after it was uploaded")
        elif not any(method in _CLOSERS and _place_is_last(place, uses, here) for place, method in uses):
            line = cst.SimpleStatementLine([cst.Expr(expression("{h}.flush()", h=cst.Name(handle.value)))])
            if line.body and not _planned(plan, statement, line):
                plan.insert_before(statement, [line])


def _planned(plan: Plan, statement: cst.CSTNode, line: cst.SimpleStatementLine) -> bool:
    """Whether the same line goes before the statement already."""
    return any(code(each) == code(line) for each in plan.before.get(statement, ()))


def _place_is_last(place: int, uses: list[tuple[int, str | None]], here: int) -> bool:
    """Whether nothing is done with the handle between a place and the upload."""
    return place < here and all(not place < other < here or method is None for other, method in uses)


def _is_open(
    module: Module, statement: cst.CSTNode, opened: cst.CSTNode, uses: list[tuple[int, str | None]], here: int
) -> bool:
    """Whether a handle is open at a statement: inside its `with`, or assigned and not closed."""
    if isinstance(opened, cst.With):
        return opened in set(module.ancestors(statement))
    return not any(method == "close" and place < here for place, method in uses)


def _method(module: Module, use: cst.Name) -> str | None:
    """What is called on a handle; None when it is only read (`handle.name`)."""
    attribute = module.parents.get(use)
    if not (isinstance(attribute, cst.Attribute) and attribute.value is use):
        return "given away"
    call = module.parents.get(attribute)
    return attribute.attr.value if isinstance(call, cst.Call) and call.func is attribute else None


def _handles(
    module: Module, function: cst.FunctionDef, path: cst.BaseExpression
) -> Iterator[tuple[cst.Name, cst.CSTNode]]:
    """The variables of a function that hold what is open for writing at a path, and the statement that opened it."""
    for call in walk(function.body):
        if not isinstance(call, cst.Call) or not _writes(module, call):
            continue
        parent = module.parents.get(call)
        target: cst.CSTNode | None = None
        if isinstance(parent, cst.Assign) and len(parent.targets) == 1:
            target = parent.targets[0].target
        elif isinstance(parent, cst.WithItem) and parent.asname is not None:
            target = parent.asname.name
        opened = module.statement(call)
        if isinstance(target, cst.Name) and opened is not None and _is_path_of(module, call, target, path):
            yield target, opened


def _writes(module: Module, call: cst.Call) -> bool:
    name = module.names.qualified(call.func)
    if name in _TEMPORARY:
        return True
    is_open = code(call.func) == "open" or (isinstance(call.func, cst.Attribute) and call.func.attr.value == "open")
    mode = arguments.constant(argument_of(call, 1 if code(call.func) == "open" else 0, "mode"))
    return is_open and isinstance(mode, str) and any(letter in mode for letter in "wax+")


def _is_path_of(module: Module, call: cst.Call, handle: cst.Name, path: cst.BaseExpression) -> bool:
    text = code(path)
    for wrapper in ("str(", "Path(", "pathlib.Path(", "os.fspath("):
        if text.startswith(wrapper) and text.endswith(")"):
            text = text[len(wrapper) : -1]
    if text == f"{handle.value}.name":
        return True
    if code(call.func) == "open":
        return bool(call.args) and code(call.args[0].value) == text
    opener = call.func
    return isinstance(opener, cst.Attribute) and code(opener.value) == text and module.function(call) is not None
