"""Calls outside the drivers that are read as graphs: eager bodies await already, task bodies call plain functions."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator

import libcst as cst

from flyte_bridge_translators.source.driver.expression_parts import awaited
from flyte_bridge_translators.source.engine import layout, reading
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Entity, Kind
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, dotted, walk


def rewrite_eager(module: Module, context: Context, plan: Plan, function: cst.FunctionDef) -> None:
    """`await f(x=1)` of a task that is not async becomes `await f.aio(x=1)`; the body is async already.

    Flyte 1 (flytekit 1.14 and later) gives the value of a task that is no coroutine function at once: such a call without an
    `await` gets one, unless it is handed to asyncio.
    """
    for call in reading.calls(function.body):
        callees = context.callees(module, call.func)
        if not callees.awaits:
            continue
        entities = [context.entities[name] for name in sorted(callees.entities) if name in context.entities]
        if callees.others or callees.partial or (callees.entities and callees.coroutines):
            plan.report("FB222", call, f"`{code(call.func)}` may be a task or plain Python: await it when it is a task")
            continue
        suffix = bool(callees.entities) and not all(is_direct(entity) for entity in entities)
        if suffix:
            plan.replace(call.func, _attribute(call.func, "aio"), "a task that is not async is awaited through `.aio`")
        at_once = all(not entity.is_async and entity.kind is not Kind.EAGER for entity in entities)
        if callees.coroutines:
            at_once = at_once and not context.flow.are_async(callees.coroutines)
        if at_once and not _is_awaited(module, function, call):
            if module.function(call) is not function or _in_lambda(module, call, function):
                plan.report("FB222", call, f"`{code(call.func)}` is called in a function that cannot await it")
                continue
            plan.replace(call, _awaited(module, call), "Flyte 1 waited for it without being told")


def _awaited(module: Module, call: cst.Call) -> Callable[[Rewrite], cst.Await]:
    bare = isinstance(module.parents.get(call), (cst.Assign, cst.AnnAssign, cst.Return, cst.Expr))

    def edit(rewrite: Rewrite) -> cst.Await:
        value = rewrite.inside(call).with_changes(lpar=[], rpar=[])
        return cst.Await(value) if bare else awaited(value)

    return edit


_KEEPING = frozenset(
    {
        "bool", "callable", "dict", "functools.partial", "getattr", "hasattr", "hash", "id", "isinstance", "issubclass", "len",
        "list", "print", "repr", "set", "setattr", "str", "tuple", "type",
    }
)  # fmt: skip
"""What looks at a function, or keeps it, and does not call it."""

_GETTERS = frozenset({"operator.attrgetter", "operator.methodcaller"})
"""What gets by name what nobody follows."""

_STORING = frozenset(
    {"add", "append", "appendleft", "extend", "get", "insert", "pop", "setdefault", "update", "with_overrides"}
)
"""Methods of containers, which keep what they are given."""

_STARTERS = frozenset(
    {"as_completed", "create_task", "ensure_future", "gather", "run_until_complete", "wait", "wait_for"}
)
"""What takes something to await."""


def _is_awaited(module: Module, function: cst.FunctionDef, call: cst.Call) -> bool:
    """Whether a call is awaited, or handed to asyncio at once or through a variable."""
    for above in module.ancestors(call):
        if isinstance(above, cst.Await) or (isinstance(above, cst.Call) and _starts(above)):
            return True
        if isinstance(above, cst.BaseSmallStatement):
            return any(_is_awaited_later(module, function, name) for name in _holders(above))
    return False


def _starts(call: cst.Call) -> bool:
    return (dotted(call.func) or "").rpartition(".")[2] in _STARTERS


def _holders(statement: cst.BaseSmallStatement) -> Iterator[str]:
    """The variables that get what a statement computes: its targets, a list it is appended to."""
    if isinstance(statement, cst.Assign):
        for target in statement.targets:
            yield from (name.value for name in reading.targets(target.target))
    if isinstance(statement, cst.Expr) and isinstance(statement.value, cst.Call):
        func = statement.value.func
        if isinstance(func, cst.Attribute) and isinstance(func.value, cst.Name):
            yield func.value.value


def _is_awaited_later(module: Module, function: cst.FunctionDef, name: str) -> bool:
    for node in walk(function.body):
        if isinstance(node, cst.Name) and node.value == name:
            for above in module.ancestors(node):
                if isinstance(above, cst.Await) or (isinstance(above, cst.Call) and _starts(above)):
                    return True
                if isinstance(above, cst.BaseStatement):
                    break
    return False


def _in_lambda(module: Module, node: cst.CSTNode, function: cst.FunctionDef) -> bool:
    for above in module.ancestors(node):
        if above is function:
            return False
        if isinstance(above, cst.Lambda):
            return True
    return False


def rewrite_task(module: Module, context: Context, plan: Plan, function: cst.FunctionDef) -> None:
    """A task called inside a task (or by plain Python that a task calls) ran as a plain function in the same process, and still
    does: `f.forward(x=1)`."""
    for call in reading.calls(function.body):
        callees = context.callees(module, call.func)
        if not callees.awaits:
            continue
        name = code(call.func)
        entities = [context.entities[each] for each in sorted(callees.entities) if each in context.entities]
        if callees.coroutines or callees.partial or callees.others:
            message = (
                f"`{name}` is a coroutine function now, or may be a task: a task that is not async cannot await it"
            )
            plan.report("FB253", call, message)
        elif any(entity.kind is not Kind.TASK for entity in entities):
            if any(entity.kind.is_driver for entity in entities):
                message = f"`{name}` is a driver now, and a task cannot await it: call its tasks instead"
                plan.report("FB252", call, message)
        else:
            why = "a task inside a task is a plain function in Flyte 1"
            plan.replace(call.func, _attribute(call.func, "forward"), why)
            plan.report("FB251", call, f"`{name}` is called inside a task: the plain function is called, as before")


_OWN_CODE = (cst.FunctionDef, cst.Lambda, cst.ClassDef, cst.GeneratorExp)
"""What runs apart from the statement it stands in."""


def report_outside(module: Module, context: Context, plan: Plan, drivers: Container[cst.FunctionDef]) -> None:
    """Say where plain Python calls what is a coroutine function now."""
    for call in module.all_calls:
        callees = context.callees(module, call.func)
        if not callees.coroutines or context.flow.are_async(callees.coroutines):
            continue
        if module.is_notebook and not any(isinstance(above, _OWN_CODE) for above in module.ancestors(call)):
            plan.replace(call, _in_cell(module, call), "a coroutine function now, which a cell can await")
        elif not any(above in drivers for above in module.ancestors(call) if isinstance(above, cst.FunctionDef)):
            message = f"`{code(call.func)}` is a coroutine function now: `asyncio.run({layout.brief(call)})`"
            plan.report("FB253", call, message)


def _in_cell(module: Module, call: cst.Call) -> Callable[[Rewrite], cst.Await]:
    stands_alone = isinstance(module.parents.get(call), (cst.Expr, cst.Assign, cst.AnnAssign, cst.Arg))

    def edit(rewrite: Rewrite) -> cst.Await:
        new = rewrite.inside(call)
        return cst.Await(new) if stands_alone else awaited(new)

    return edit


def report_handed(module: Module, context: Context, plan: Plan, function: cst.FunctionDef) -> None:
    """Say where a driver gives a task to code that will call it and await nothing: `map(f, xs)`, `pool.submit(f, x)`."""
    for call in reading.calls(function.body):
        name = module.names.qualified(call.func) or dotted(call.func) or ""
        last = name.rpartition(".")[2]
        if name in _GETTERS:
            plan.report("FB254", call, f"`{code(call.func)}` may call or give what must be awaited in Flyte 2")
        if is_v1(name) or name in _KEEPING or last in _STARTERS or last in _STORING:
            continue
        if context.hands_over(module, call):
            message = f"`{code(call.func)}` is given what is awaited in Flyte 2, and may call it without: {layout.brief(call)}"
            plan.report("FB254", call, message)


def is_direct(entity: Entity) -> bool:
    """Whether calling it in Flyte 2 gives something to await."""
    return entity.kind.is_driver or entity.is_async or entity.kind is Kind.REFERENCE


def _attribute(func: cst.BaseExpression, name: str) -> Callable[[Rewrite], cst.Attribute]:
    def edit(rewrite: Rewrite) -> cst.Attribute:
        return cst.Attribute(rewrite.inside(func), cst.Name(name))

    return edit
