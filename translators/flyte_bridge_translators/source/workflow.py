"""`@workflow` and `@dynamic` bodies, eager bodies, and the functions they call that call entities.

The decorator and the task environment are `environment`'s and `task`'s; here the function becomes `async` and its body becomes
concurrent calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libcst as cst

from flyte_bridge_translators.source import reading
from flyte_bridge_translators.source.body import Reader
from flyte_bridge_translators.source.edits import Plan, Rewrite
from flyte_bridge_translators.source.entities import Kind, entity_decorator
from flyte_bridge_translators.source.module import Module
from flyte_bridge_translators.source.recognize import Fresh, Scene, recognize
from flyte_bridge_translators.source.shape import compile_body, settle
from flyte_bridge_translators.source.translator import Context
from flyte_bridge_translators.source.tree import walk


def translate(module: Module, context: Context) -> Plan:
    """Every driver of a file, and the helpers that drivers call."""
    plan = Plan("workflow")
    drivers = [
        (function, found[1])
        for function in module.functions
        if (found := entity_decorator(module, function)) is not None
        and found[1].is_driver
        and module.is_top_level(function)
    ]
    helpers = find_helpers(module, context, [function for function, _ in drivers])
    for function, kind in drivers:
        if kind is not Kind.EAGER:
            rewrite_driver(module, context, plan, function, helpers)
    for function in helpers.values():
        rewrite_driver(module, context, plan, function, helpers)
    return plan


def rewrite_driver(
    module: Module, context: Context, plan: Plan, function: cst.FunctionDef, helpers: Mapping[str, cst.FunctionDef]
) -> None:
    """Makes one function async and its body concurrent."""
    scene = scene_of(module, context, plan, function, helpers)
    reader = Reader(scene, reading.Locals(module, function))
    statements = function.body.body
    body = reader.read(statements, docstring=True)
    shape = compile_body(scene, body, nested=False)
    scene.shapes.insert(0, scene.shapes.pop())
    settle(scene)

    def written(rewrite: Rewrite) -> cst.BaseSuite:
        from flyte_bridge_translators.source.render import tidy

        lines = tidy(shape.statements(rewrite)) or [cst.SimpleStatementLine([cst.Pass()])]
        if isinstance(function.body, cst.IndentedBlock):
            return function.body.with_changes(body=lines)
        return cst.IndentedBlock(lines)

    plan.replace(function.body, written, "each call starts when its own inputs are there, as in Flyte 1")
    if function.asynchronous is None:
        plan.replace(function, lambda rewrite: rewrite.inside(function).with_changes(asynchronous=cst.Asynchronous()))


def scene_of(
    module: Module, context: Context, plan: Plan, function: cst.FunctionDef, helpers: Mapping[str, cst.FunctionDef]
) -> Scene:
    """What is known before a driver is read."""
    taken = {node.value for node in walk(function.body) if isinstance(node, cst.Name) and node in module.names.scopes}
    taken |= set(module.scope.bindings) | set(reading.BUILTINS) | {"asyncio", "flyte"}
    parameters = {
        node.name.value
        for node in walk(function.params)
        if isinstance(node, cst.Param) and isinstance(node.name, cst.Name)
    }
    return Scene(module, context, plan, helpers, {}, Fresh(taken | parameters), frozenset(parameters))


def find_helpers(module: Module, context: Context, drivers: list[cst.FunctionDef]) -> dict[str, cst.FunctionDef]:
    """Plain functions of the file that call entities and that drivers call, directly or through each other."""
    plain = {
        f"{module.name}.{function.name.value}": function
        for function in module.functions
        if module.is_top_level(function)
        and entity_decorator(module, function) is None
        and function.asynchronous is None
    }
    if not plain:
        return {}
    scene = Scene(module, context, Plan("probe"), {}, {}, Fresh(set()), frozenset())
    calling = {name for name, function in plain.items() if any(True for _ in _entity_calls(scene, function))}
    while True:
        more = {
            name
            for name, function in plain.items()
            if name not in calling
            and any(module.names.qualified(call.func) in calling for call in reading.calls(function))
        }
        if not more:
            break
        calling |= more
    reached: set[str] = set()
    queue = list(drivers)
    while queue:
        for call in reading.calls(queue.pop().body):
            name = module.names.qualified(call.func)
            if name in calling and name not in reached:
                reached.add(name)
                queue.append(plain[name])
    return {name: plain[name] for name in plain if name in reached}


def _entity_calls(scene: Scene, function: cst.FunctionDef) -> Iterator[cst.Call]:
    for call in reading.calls(function.body):
        if recognize(scene, call) is not None:
            yield call
