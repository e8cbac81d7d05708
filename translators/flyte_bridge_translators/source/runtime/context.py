"""`flytekit.current_context()` and the variables that hold it become `flyte.ctx()`.

Secrets are `secret`'s, decks `deck`'s, checkpoints `checkpoint`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.data.file_access import file_access
from flyte_bridge_translators.source.data.flyte_io import expression
from flyte_bridge_translators.source.data.uses import in_loop
from flyte_bridge_translators.source.data.values import loads
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import walk

MAKERS = {
    "flytekit.current_context": (),
    "flytekit.FlyteContextManager.current_context": ("",),
    "flytekit.FlyteContext.current_context": ("",),
}
"""Calls that give a context; the second kind is the inner one (`FlyteContext`), told by its marker."""

_HOLDERS: Mapping[str, tuple[str, ...]] = {"flytekit.ExecutionParameters": ()}
"""Annotations of parameters that hold a context."""

ATTRIBUTES: Mapping[tuple[str, ...], str] = {
    ("execution_id", "name"): "{ctx}.action.run_name",
    ("execution_id", "project"): "{ctx}.action.project",
    ("execution_id", "domain"): "{ctx}.action.domain",
    ("execution_id", "org"): "{ctx}.action.org",
    ("execution_date",): "{ctx}.run_start_time",
    ("task_id", "name"): "{ctx}.action.name",
    ("task_id", "project"): "{ctx}.action.project",
    ("task_id", "domain"): "{ctx}.action.domain",
    ("task_id", "version"): "{ctx}.version",
    ("logging",): "flyte.logger",
    ("spark_session",): '{ctx}.data["spark_session"]',
    ("raw_output_prefix",): "{ctx}.raw_data_path.path",
    ("output_metadata_prefix",): "{ctx}.output_path",
    # of the inner context (`FlyteContextManager.current_context()`)
    ("", "file_access", "raw_output_prefix"): "{ctx}.raw_data_path.path",
    ("", "file_access", "get_random_remote_path"): "{ctx}.raw_data_path.get_random_remote_path",
    ("", "file_access", "get_random_remote_directory"): "{ctx}.raw_data_path.get_random_remote_path",
}
"""Chain of attributes → what it is in Flyte 2."""

CHANGED: Mapping[tuple[str, ...], str] = {
    ("task_id", "name"): "task_id.name was the task's name; an action's name is unique to the action",
    ("execution_id",): "execution_id is the action now: `.action.run_name` is the name of the run",
    ("task_id",): "task_id is the action now, which has no task name",
}
"""Chains whose value is another one, and how."""

_WHOLE: Mapping[tuple[str, ...], str] = {("execution_id",): "{ctx}.action", ("task_id",): "{ctx}.action"}

_ELSEWHERE = {"secrets", "checkpoint", "decks", "default_deck"}


@dataclass(frozen=True)
class ContextUse:
    """One use of a context.

    Attributes:
        base: The call or variable.
        names: The attributes behind it, as far as they go; a leading `""` says that it is the inner context.
        nodes: The expression up to each of `names` (the first is `base` itself).
    """

    base: cst.BaseExpression
    names: tuple[str, ...]
    nodes: tuple[cst.BaseExpression, ...]

    def upto(self, count: int) -> cst.BaseExpression:
        """The expression of the first `count` names."""
        return self.nodes[count]


def chains(module: Module) -> Iterator[ContextUse]:
    """Every use of a context in a file: called for directly, held by a variable, or taken as a parameter."""
    for call, qualified in module.calls:
        if qualified not in MAKERS:
            continue
        held = held_by(module, call)
        if held is None:
            if not _is_for_flyte1(module, call):
                yield _chain(module, call, MAKERS[qualified])
        else:
            for use in uses_of(module, held, call):
                yield _chain(module, use, MAKERS[qualified])
    for node, qualified in module.references:
        if qualified in _HOLDERS:
            parameter = next(
                (above for above in module.ancestors(node) if isinstance(above, (cst.Param, cst.BaseStatement))), None
            )
            if isinstance(parameter, cst.Param):
                for use in loads(module, parameter.name):
                    yield _chain(module, use, _HOLDERS[qualified])


def held_by(module: Module, call: cst.Call) -> cst.Name | None:
    """The variable that `ctx = current_context()` binds, if it binds nothing else."""
    assign = module.parents.get(call)
    target = None
    if isinstance(assign, cst.Assign) and len(assign.targets) == 1:
        target = assign.targets[0].target
    elif isinstance(assign, cst.AnnAssign):
        target = assign.target
    if not isinstance(target, cst.Name):
        return None
    values = [binding.value for binding in module.names.bindings(target)]
    makers = [isinstance(value, cst.Call) and module.names.qualified(value.func) in MAKERS for value in values]
    return target if all(makers) else None


def uses_of(module: Module, held: cst.Name, call: cst.Call) -> Iterator[cst.Name]:
    """The uses of a variable that holds a context; of this one, where it is assigned to more than once."""
    makers = [binding.value for binding in module.names.bindings(held)]
    if len(makers) == 1:
        yield from loads(module, held)
        return
    function = module.function(call)
    order = {node: index for index, node in enumerate(walk(function.body if function is not None else module.tree))}
    for use in loads(module, held):
        before = [maker for maker in makers if maker is not None and order.get(maker, -1) < order.get(use, -1)]
        if max(before, key=lambda maker: order.get(maker, -1), default=makers[0]) is call:
            yield use


def _is_for_flyte1(module: Module, call: cst.Call) -> bool:
    """`LaunchPlan.get_default_launch_plan(current_context(), wf)`: what takes the context goes itself."""
    argument = module.parents.get(call)
    taker = module.parents.get(argument) if isinstance(argument, cst.Arg) else None
    return isinstance(taker, cst.Call) and is_v1(module.names.qualified(taker.func))


def _chain(module: Module, base: cst.BaseExpression, start: tuple[str, ...]) -> ContextUse:
    names, nodes = list(start), [base] * (len(start) + 1)
    node = base
    while True:
        above = module.parents.get(node)
        if not (isinstance(above, cst.Attribute) and above.value is node):
            break
        names.append(above.attr.value)
        nodes.append(above)
        node = above
    if names[:2] == ["", "user_space_params"]:
        names, nodes = names[2:], nodes[2:]
    return ContextUse(base, tuple(names), tuple(nodes))


def translate(module: Module, context: Context) -> Plan:
    """Replace the uses of Flyte 1's context."""
    del context
    plan = Plan("context")
    directories: dict[cst.FunctionDef | None, list[cst.BaseExpression]] = {}
    left: set[cst.CSTNode] = set()
    for chain in chains(module):
        _use(module, plan, chain, directories, left)
    for function, uses in directories.items():
        _working_directory(module, plan, function, uses)
    _holders(module, plan)
    return plan


def _use(
    module: Module,
    plan: Plan,
    chain: ContextUse,
    directories: dict[cst.FunctionDef | None, list[cst.BaseExpression]],
    left: set[cst.CSTNode],
) -> None:
    names = chain.names
    if names[:1] == ("working_directory",):
        directories.setdefault(module.function(chain.base), []).append(chain.upto(1))
        return
    if names and names[0] in _ELSEWHERE:
        return
    if names[:2] == ("", "file_access") and file_access(module, plan, chain.nodes[-1], names[2:]):
        return
    for length in range(min(len(names), 3), 0, -1):
        key = names[:length]
        template = ATTRIBUTES.get(key) or (_WHOLE.get(key) if length == len(names) else None)
        if template is None:
            continue
        plan.want("import flyte")
        base = chain.base if isinstance(chain.base, cst.Name) else expression("flyte.ctx()")
        new = expression(template, ctx=base) if "{ctx}" in template else expression(template)
        plan.replace(chain.upto(length), new, f"{'.'.join(filter(None, key))} of Flyte 2's context")
        if key in CHANGED:
            plan.report("FB411", chain.base, CHANGED[key])
        return
    left.add(chain.base)
    inner = names[:1] == ("",)
    shown = ".".join(filter(None, names))
    if not shown:
        plan.report("FB412", chain.base, "the context is passed on: what reads it must read flyte.ctx() instead")
        if isinstance(chain.base, cst.Call):
            plan.want("import flyte")
            plan.replace(chain.base, expression("flyte.ctx()"))
    elif inner:
        plan.report("FB413", chain.base, f"FlyteContext.{shown} has no counterpart in flyte.ctx()")
    else:
        plan.report("FB410", chain.base, f"current_context().{shown} has no counterpart in flyte.ctx()")


def _holders(module: Module, plan: Plan) -> None:
    """`ctx = current_context()` becomes `ctx = flyte.ctx()`, or goes when nobody needs it any more."""
    for call, qualified in module.calls:
        held = held_by(module, call) if qualified in MAKERS else None
        if held is None:
            continue
        needed = False
        for use in uses_of(module, held, call):
            chain = _chain(module, use, MAKERS[qualified])
            changed = next((plan.replacements[node] for node in chain.nodes if node in plan.replacements), None)
            if chain.names[:1] == ("secrets",) or (chain.names and chain.names[0] in {"decks", "default_deck"}):
                continue
            if changed is None or _mentions(changed, held.value):
                needed = True
        statement = module.statement(call)
        if needed or not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
            plan.want("import flyte")
            plan.replace(call, expression("flyte.ctx()"), "Flyte 2's context")
        else:
            plan.remove(statement, "nobody needs the context any more")


def _mentions(edit: object, name: str) -> bool:
    assert callable(edit)
    new = edit(None)
    return isinstance(new, cst.CSTNode) and name in {node.value for node in _names(new)}


def _names(node: cst.CSTNode) -> Iterator[cst.Name]:
    if isinstance(node, cst.Name):
        yield node
    for child in node.children:
        yield from _names(child)


def _working_directory(
    module: Module, plan: Plan, function: cst.FunctionDef | None, uses: list[cst.BaseExpression]
) -> None:
    """One temporary directory per call of the function, as Flyte 1 had one per task."""
    plan.want("import tempfile")
    if function is not None and entity_decorator(module, function) is None:
        plan.report(
            "FB414",
            uses[0],
            f"{function.name.value} gets a new directory each time it is called; Flyte 1 had one for the whole task",
        )
    once = len(uses) == 1 and (function is None or not in_loop(module, uses[0], function))
    if once or function is None or not isinstance(function.body, cst.IndentedBlock):
        for use in uses:
            plan.replace(use, expression("tempfile.mkdtemp()"), "a task's working directory is a temporary one")
        return
    name = "working_directory"
    while name in module.taken() and any(
        binding
        for scope in (module.names.scopes.get(node) for node in module.names.scopes)
        if scope
        for binding in scope.bindings.get(name, ())
    ):
        name = f"task_{name}"
    for use in uses:
        plan.replace(use, cst.Name(name), "a task's working directory is a temporary one")
    body = function.body.body
    first = next((line for line in body if not _is_docstring(line)), body[-1])
    line = cst.parse_statement(f"{name} = tempfile.mkdtemp()")
    assert isinstance(line, cst.SimpleStatementLine)
    plan.insert_before(first, [line])


def _is_docstring(line: cst.CSTNode) -> bool:
    return (
        isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.Expr)
        and isinstance(line.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
    )
