"""Calls of workflows from plain Python: main blocks, scripts, tests.

In Flyte 1 a workflow called outside a task runs locally and gives its value. In Flyte 2 it is a task to be run:
`flyte.run(wf, x=1)`, local after a bare `flyte.init()`. Tasks are still functions and stay called as such, unless they need the
run: its context, its files, its event loop.
"""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.data.datatypes import DIRECTORY, FILE, FRAME, SCHEMA, of_text
from flyte_bridge_translators.source.data.flyte_io import atom, can_await, expression
from flyte_bridge_translators.source.driver.workflow import coroutine_functions
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import Entity, Kind, Outputs, entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, walk


def translate(module: Module, context: Context) -> Plan:
    """Run what plain Python called."""
    plan = Plan("main_block")
    blocks: dict[cst.CSTNode, None] = {}
    entities = {function for function in module.functions if entity_decorator(module, function) is not None}
    coroutines: frozenset[cst.FunctionDef] | None = None
    outermost: cst.CSTNode | None = None
    for call in module.all_calls:
        entity = context.entity(module.names.qualified(call.func))
        if entity is None or _inside(module, call, entities) or not _must_run(module, entity):
            continue
        if coroutines is None:
            coroutines = coroutine_functions(module, context)
        if _inside(module, call, coroutines) or isinstance(module.parents.get(call), cst.Decorator):
            continue
        if _run(module, context, plan, call, entity):
            block = _block(module, call)
            if block is not None:
                blocks[block] = None
            elif outermost is None:
                outermost = next(
                    above for above in (call, *module.ancestors(call)) if module.parents[above] is module.tree
                )
    for statement in blocks:
        plan.insert_before(statement, [_init()])
    if outermost is not None:
        blank = [line for line in getattr(outermost, "leading_lines", ()) if line.comment is None]
        plan.insert_before(outermost, [_init().with_changes(leading_lines=blank)])
    return plan


def _init() -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine([cst.Expr(expression("flyte.init()"))])


def _inside(module: Module, node: cst.CSTNode, functions: object) -> bool:
    assert hasattr(functions, "__contains__")
    return any(above in functions for above in module.ancestors(node) if isinstance(above, cst.FunctionDef))


def _must_run(module: Module, entity: Entity) -> bool:
    """Whether calling the entity as a function would not do what Flyte 1 did."""
    if entity.kind in {Kind.WORKFLOW, Kind.DYNAMIC, Kind.LAUNCH_PLAN}:
        return True
    if entity.kind is not Kind.TASK:
        return False
    annotations = [each.annotation for each in entity.parameters if each.annotation] + list(entity.outputs.annotations)
    if entity.is_async or any(of_text(text).holds(FILE, DIRECTORY, FRAME, SCHEMA) for text in annotations):
        return True
    definition = module.definition(entity.name) if entity.module == module.name else None
    return isinstance(definition, cst.FunctionDef) and any(
        isinstance(node, cst.Call) and is_v1(module.names.qualified(node.func)) for node in walk(definition.body)
    )


def _run(module: Module, context: Context, plan: Plan, call: cst.Call, entity: Entity) -> bool:
    outputs = context.outputs(entity)
    target: cst.BaseExpression = call.func
    given = {argument.keyword.value for argument in call.args if argument.keyword is not None}
    bound: list[cst.Arg] = []
    if entity.kind is Kind.LAUNCH_PLAN:
        target_name = context.resolve(entity.target)
        local = _known(module, context, target_name) if target_name is not None else None
        if local is None:
            plan.report(
                "FB461", call, f"{code(call.func)} is run with its workflow and its inputs: flyte.run(workflow, ...)"
            )
            return False
        target = local
        bound = [_keyword(name, parsed(text)) for name, text in entity.bound if name not in given]
    used = not isinstance(module.parents.get(call), cst.Expr)
    plan.want("import flyte")
    waits = can_await(module, call)

    def edit(rewrite: Rewrite) -> cst.CSTNode:
        arguments = [*bound, *(rewrite(argument) for argument in call.args)]
        run = cst.Call(
            expression("flyte.run.aio" if waits else "flyte.run"),
            _spaced([cst.Arg(rewrite(target) if target is call.func else target), *arguments], call),
            whitespace_before_args=call.whitespace_before_args,
        )
        made: cst.BaseExpression = cst.Await(run) if waits else run
        if not used:
            return made
        outs = expression("(await {r}.outputs.aio())", r=atom(made)) if waits else expression("{r}.outputs()", r=run)
        return _value(outs, outputs, tuple_name)

    if used and outputs.kind == "named" and list(outputs.names) != sorted(outputs.names):
        plan.report(
            "FB464", call, f"{', '.join(outputs.names)} come as {', '.join(sorted(outputs.names))} from a backend"
        )
    tuple_name = _tuple_name(module, context, plan, entity, outputs) if used and not _unpacked(module, call) else None
    if used and outputs.kind == "named" and tuple_name is None and _unpacked(module, call):
        plan.replace(call, edit, "a workflow is run, and its outputs are a tuple")
        return True
    if used and outputs.kind == "named" and tuple_name is None:
        plan.report(
            "FB462",
            call,
            f"the outputs of {entity.name} are a plain tuple: o0, o1, ... instead of {', '.join(outputs.names)}",
        )
    plan.replace(call, edit, "a workflow is run, and its outputs are a tuple")
    return True


def _value(outs: cst.BaseExpression, outputs: Outputs, tuple_name: cst.BaseExpression | None) -> cst.BaseExpression:
    if outputs.kind == "named":
        return expression("{t}(*{o})", t=tuple_name, o=outs) if tuple_name is not None else outs
    if outputs.kind == "tuple" and len(outputs.names) > 1:
        return outs
    return expression("{o}[0]", o=outs)


def _unpacked(module: Module, call: cst.Call) -> bool:
    """`a, b = wf()`"""
    assign = module.parents.get(call)
    return isinstance(assign, cst.Assign) and isinstance(assign.targets[0].target, (cst.Tuple, cst.List))


def _tuple_name(
    module: Module, context: Context, plan: Plan, entity: Entity, outputs: Outputs
) -> cst.BaseExpression | None:
    """What this file calls the NamedTuple that an entity returns; imported from where the entity is, when it is not here."""
    if outputs.kind != "named":
        return None
    qualified = context.resolve(outputs.named_tuple)
    if qualified is None:
        return None
    return _reach(module, context, plan, qualified, beside=entity)


def _known(module: Module, context: Context, qualified: str) -> cst.BaseExpression | None:
    """What this file calls something, if it knows it."""
    source, _, name = qualified.rpartition(".")
    if source == module.name:
        return cst.Name(name)
    for local, bindings in module.scope.bindings.items():
        if bindings[-1].kind == "import" and context.resolve(bindings[-1].qualified) == qualified:
            return cst.Name(local)
    return None


def _reach(module: Module, context: Context, plan: Plan, qualified: str, beside: Entity) -> cst.BaseExpression | None:
    known = _known(module, context, qualified)
    if known is not None:
        return known
    source, _, name = qualified.rpartition(".")
    host = next(
        (
            node
            for node in module.imports
            if isinstance(node, cst.ImportFrom) and module.names.absolute(node) == source and not node.relative
        ),
        None,
    )
    if host is None or source != beside.module or name in module.scope.bindings:
        return None
    plan.want(f"from {module.names.spelled(source)} import {name}")
    return cst.Name(name)


def _block(module: Module, call: cst.Call) -> cst.CSTNode | None:
    """The statement that `flyte.init()` goes before: the first of the main block or function around a call; None when there is
    neither (then once, before the first such call of the module)."""
    for above in module.ancestors(call):
        is_block = isinstance(above, cst.FunctionDef) or (isinstance(above, cst.If) and "__main__" in code(above.test))
        if is_block and isinstance(above, (cst.FunctionDef, cst.If)) and isinstance(above.body, cst.IndentedBlock):
            return next((line for line in above.body.body if not _is_docstring(line)), None)
    return None


def _is_docstring(line: cst.CSTNode) -> bool:
    return (
        isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.Expr)
        and isinstance(line.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )


def _keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    plain = cst.SimpleWhitespace("")
    return cst.Arg(value, cst.Name(name), cst.AssignEqual(plain, plain))


def _spaced(arguments: list[cst.Arg], call: cst.Call) -> list[cst.Arg]:
    """The arguments with commas between them; those that were there keep theirs."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if call.args and isinstance(call.whitespace_before_args, cst.ParenthesizedWhitespace):
        comma = cst.Comma(whitespace_after=call.whitespace_before_args)
    return [
        argument.with_changes(comma=comma)
        if index < len(arguments) - 1 and argument.comma is cst.MaybeSentinel.DEFAULT
        else argument
        for index, argument in enumerate(arguments)
    ]
