"""`@workflow` and `@dynamic` bodies, eager bodies, and the functions they call that call entities.

The decorator and the task environment are `environment`'s and `task`'s; here the function becomes `async` and its body becomes
concurrent calls.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from flyte_bridge_translators.source.driver import longer_waits
from flyte_bridge_translators.source.driver.any_call import AnyCall
from flyte_bridge_translators.source.driver.body import Reader
from flyte_bridge_translators.source.driver.eager import report_handed, report_outside, rewrite_eager, rewrite_task
from flyte_bridge_translators.source.driver.failure import read as read_failure
from flyte_bridge_translators.source.driver.failure import wrap
from flyte_bridge_translators.source.driver.implied_calls import report_factories, report_stuck, report_unread
from flyte_bridge_translators.source.driver.map_task import MAP
from flyte_bridge_translators.source.driver.named_result import Uses
from flyte_bridge_translators.source.driver.render import Renderer
from flyte_bridge_translators.source.driver.scene import Fresh, Scene
from flyte_bridge_translators.source.driver.shape import compile_body
from flyte_bridge_translators.source.driver.side_effects import SideEffects
from flyte_bridge_translators.source.driver.steps import PlainStep
from flyte_bridge_translators.source.driver.text_blocks import tidy, with_bindings
from flyte_bridge_translators.source.driver.variable_names import settle
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Kind, entity_decorator
from flyte_bridge_translators.source.engine.holdings_reader import holdings_of
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, walk


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
    coroutines = coroutine_functions(module, context)
    any_call = AnyCall.of(module)
    names = holdings_of(module).ids
    inside: set[cst.FunctionDef] = set()
    homes = {function for function, _ in drivers}

    def rewrite(function: cst.FunctionDef) -> None:
        with plan.attempt(function) as part:
            report_handed(module, context, part, function)
            if function.asynchronous is not None:
                rewrite_eager(module, context, part, function)
                return
            scene = scene_of(module, context, part, function, coroutines, any_call)
            if context.flow.is_generator(names[function]):
                rewrite_generator(scene, function)
            elif SideEffects(scene, reading.Locals(module, function)).change_globals(function.body):
                message = f"what `{function.name.value}` calls changes variables of the module: it is awaited in order"
                plan.report("FB211", function, message)
                rewrite_in_place(scene, function)
            elif _is_rebound_inside(function):
                message = f"`nonlocal` in `{function.name.value}` has its calls run one after the other"
                plan.report("FB211", function, message)
                rewrite_in_place(scene, function)
            else:
                rewrite_driver(scene, function)

    for function, kind in drivers:
        if kind is Kind.EAGER:
            report_handed(module, context, plan, function)
            rewrite_eager(module, context, plan, function)
        else:
            rewrite(function)
    for function in module.functions:
        found = entity_decorator(module, function)
        if (found is not None and found[1] is Kind.TASK) or names[function] in context.flow.in_tasks:
            rewrite_task(module, context, plan, function)
            inside.add(function)
    remove_mappers(module, plan)
    for function in module.functions:
        if function in coroutines:
            rewrite(function)
    for node, name in names.items():
        if not isinstance(node, cst.Lambda) or name not in context.flow.coroutines:
            continue
        if not {*coroutines, *homes} & set(_homes(module, node)):
            rewrite_lambda(scene_of(module, context, plan, node, coroutines, any_call), node)
    report_stuck(module, context, plan)
    report_factories(module, context, plan)
    report_unread(module, context, plan, {*homes, *coroutines})
    stuck = {function for function in module.functions if names[function] in context.flow.stuck}
    report_outside(module, context, plan, {*inside, *coroutines, *homes, *stuck})
    any_call.define(module, plan)
    return plan


def _homes(module: Module, node: cst.CSTNode) -> Iterator[cst.FunctionDef]:
    """The functions whose bodies a node stands in; a default argument stands in none."""
    function = module.function(node)
    while function is not None:
        yield function
        function = module.function(function)


def rewrite_driver(scene: Scene, function: cst.FunctionDef) -> None:
    """Makes one function async and its body concurrent."""
    module, plan = scene.module, scene.plan
    failure = read_failure(scene, function)
    if failure.settle:
        scene.settled = (scene.fresh("results", "all_results"), scene.fresh("result", "one_result"))
    reader = Reader(scene, reading.Locals(module, function))
    statements = function.body.body
    body = reader.read(statements, docstring=True)
    shape = compile_body(scene, body)
    scene.shapes.insert(0, scene.shapes.pop())
    settle(scene)
    longer_waits.report(scene, shape)

    def written(rewrite: Rewrite) -> cst.BaseSuite:
        lines = tidy(with_bindings(shape.statements(rewrite), scene.parameters, len(body.head)))
        lines = lines or [cst.SimpleStatementLine([cst.Pass()])]
        if failure.handler is not None:
            head = len(body.head)
            lines = [*lines[:head], wrap(failure, rewrite(failure.handler), tidy(lines[head:]))]
        if isinstance(function.body, cst.IndentedBlock):
            return function.body.with_changes(body=lines)
        return cst.IndentedBlock(lines)

    write_super(scene, function)
    plan.replace(function.body, written, "each call starts when its own inputs are there, as in Flyte 1")
    if function.asynchronous is None:
        plan.replace(function, lambda rewrite: rewrite.inside(function).with_changes(asynchronous=cst.Asynchronous()))


def write_super(scene: Scene, function: cst.FunctionDef) -> None:
    """`super()` knows its class and object by the function it stands in, and a call may move into one of its own."""
    first = next(iter(function.params.params), None)
    calls = list(reading.calls(function.body))
    awaited_calls = [call for call in calls if scene.callees(call.func).awaits]
    loops = any(isinstance(node, (cst.For, cst.While, cst.BaseComp)) for node in walk(function.body))
    if first is None or (len(awaited_calls) < 2 and not loops):
        return
    for call in calls:
        if isinstance(call.func, cst.Name) and call.func.value == "super" and not call.args:
            scene.plan.replace(call, parsed(f"super(__class__, {first.name.value})"))


def rewrite_generator(scene: Scene, function: cst.FunctionDef) -> None:
    """Makes an async generator of one: its calls are awaited where they stand, since what it yields has an order."""
    message = f"`{function.name.value}` is an async generator now: its calls run one after the other"
    scene.plan.report("FB211", function, message)
    for decorator in function.decorators:
        said = (
            f"`{function.name.value}` is an async generator now, which `{code(decorator.decorator)}` may not be given"
        )
        scene.plan.report("FB222", decorator, f"{said}: contextlib has `asynccontextmanager`, for `async with`")
    for node in walk(function.body):
        if isinstance(node, cst.Yield) and isinstance(node.value, cst.From):
            write_yield_from(scene, node, node.value.item)
    rewrite_in_place(scene, function)


def rewrite_in_place(scene: Scene, function: cst.FunctionDef) -> None:
    """Makes one function async, with its calls awaited where they stand."""
    reader = Reader(scene, reading.Locals(scene.module, function))
    reader.in_place(function.body, PlainStep(0, cst.SimpleStatementLine([])))
    scene.plan.replace(function, lambda rewrite: rewrite.inside(function).with_changes(asynchronous=cst.Asynchronous()))


def _is_rebound_inside(function: cst.FunctionDef) -> bool:
    """Whether it, or a function inside, sets variables around it (`nonlocal`): calls cannot change places with reads of them."""
    return any(isinstance(node, cst.Nonlocal) for node in walk(function.body))


def write_yield_from(scene: Scene, node: cst.Yield, item: cst.BaseExpression) -> None:
    """`yield from steps(n)` is a loop that yields: an async generator may not say it."""
    statement = scene.module.parents.get(node)
    line = scene.module.parents.get(statement) if isinstance(statement, cst.Expr) else None
    if not (isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1):
        scene.plan.report("FB222", node, "`yield from` cannot stand in an async generator: yield in an `async for`")
        return
    name = cst.Name(scene.fresh("item", "one_item"))
    generator = isinstance(item, cst.Call) and scene.callees(item.func).generators
    body = cst.IndentedBlock([cst.SimpleStatementLine([cst.Expr(cst.Yield(name))])])

    def loop(rewrite: Rewrite) -> cst.For:
        # The call was read for its list; here its items are wanted as they come.
        whole = rewrite.inside(item) if generator else rewrite(item)
        return cst.For(name, whole, body, asynchronous=cst.Asynchronous() if generator else None)

    scene.plan.replace(line, loop)


def rewrite_lambda(scene: Scene, function: cst.Lambda) -> None:
    """A lambda outside of all drivers that is one call gives something to await; its callers await it."""
    step = PlainStep(0, cst.SimpleStatementLine([]))
    Reader(scene, reading.Locals(scene.module, function)).in_place(function, step)


def remove_mappers(module: Module, plan: Plan) -> None:
    """`mapped = map_task(f)` at module level goes when every use of it became a gather."""
    for name, value, statement in module.assignments:
        if not (isinstance(value, cst.Call) and module.names.qualified(value.func) == MAP):
            continue
        uses = [
            node
            for node in module.names.scopes
            if isinstance(node, cst.Name) and module.names.qualified(node) == f"{module.name}.{name}"
        ]
        called = {call.func for call in module.all_calls if call in plan.replacements}
        others = [node for node in uses if module.statement(node) is not statement and node not in called]
        if others:
            plan.report(
                "FB213", others[0], f"`{name}` is a `map_task(...)` that is used where it is not called in a driver"
            )
        else:
            plan.remove(statement, "a map is a gather where it is called")


def scene_of(
    module: Module,
    context: Context,
    plan: Plan,
    function: cst.FunctionDef | cst.Lambda,
    coroutines: frozenset[cst.FunctionDef],
    any_call: AnyCall,
) -> Scene:
    """What is known before a driver is read."""
    taken = {node.value for node in walk(function.body) if isinstance(node, cst.Name) and node in module.names.scopes}
    taken |= set(module.scope.bindings) | set(reading.BUILTINS) | {"asyncio", "flyte", any_call.name}
    parameters = {
        node.name.value
        for node in walk(function.params)
        if isinstance(node, cst.Param) and isinstance(node.name, cst.Name)
    }
    scene = Scene(
        module, context, plan, coroutines, any_call, {}, Fresh(taken | parameters), Renderer, frozenset(parameters)
    )
    scene.uses = Uses(scene, function) if isinstance(function, cst.FunctionDef) else None
    return scene


def coroutine_functions(module: Module, context: Context) -> frozenset[cst.FunctionDef]:
    """The plain functions of a file that become coroutine functions: drivers call them, of this file or another, and they call
    entities."""
    found = context.flow.coroutines
    names = holdings_of(module).ids
    return frozenset(function for function in module.functions if names[function] in found)
