"""`current_context().checkpoint` becomes `flyte.ctx().checkpoint`: `load` and `save` instead of `read`, `write`, `restore`."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import call, expression
from flyte_bridge_translators.source.data.values import loads
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.runtime.context import chains


def translate(module: Module, context: Context) -> Plan:
    """Replace the uses of a task's checkpoint."""
    del context
    plan = Plan("checkpoint")
    for chain in chains(module):
        if chain.names[:1] != ("checkpoint",):
            continue
        node = chain.upto(1)
        plan.want("import flyte")
        base = chain.base if isinstance(chain.base, cst.Name) else expression("flyte.ctx()")
        plan.replace(node, expression("{ctx}.checkpoint", ctx=base), "the checkpoint of Flyte 2's context")
        _use(module, plan, node)
        assign = module.parents.get(node)
        if isinstance(assign, cst.Assign) and isinstance(assign.targets[0].target, cst.Name):
            for use in loads(module, assign.targets[0].target):
                _use(module, plan, use)
    return plan


def _use(module: Module, plan: Plan, node: cst.BaseExpression) -> None:
    attribute = module.parents.get(node)
    made = module.parents.get(attribute) if isinstance(attribute, cst.Attribute) and attribute.value is node else None
    if not (isinstance(attribute, cst.Attribute) and isinstance(made, cst.Call) and made.func is attribute):
        return
    name = attribute.attr.value
    if name in {"write", "save"} and made.args:
        value = made.args[0].value
        plan.replace(
            made,
            lambda rewrite: call(module, made, "{cp}.save_sync({x})", cp=rewrite(node), x=rewrite(value)),
            "save() takes bytes, files and directories",
        )
    elif name == "restore":
        plan.report("FB480", made, "load() returns where the checkpoint is: a directory, or a file called payload")
        plan.replace(
            made, lambda rewrite: call(module, made, "{cp}.load_sync()", cp=rewrite(node)), "restore() is load()"
        )
    elif name == "read":
        _read(module, plan, node, made)


def _read(module: Module, plan: Plan, node: cst.BaseExpression, made: cst.Call) -> None:
    """`cp.read()` gave the bytes or None; `load` gives the file that holds them."""
    assign = module.parents.get(made)
    line = module.statement(made)
    if (
        isinstance(assign, cst.Assign)
        and len(assign.targets) == 1
        and isinstance(assign.targets[0].target, cst.Name)
        and isinstance(line, cst.SimpleStatementLine)
        and len(line.body) == 1
    ):
        name = assign.targets[0].target.value
        plan.replace(made, lambda rewrite: call(module, made, "{cp}.load_sync()", cp=rewrite(node)), "read() is load()")
        plan.insert_after(line, [_statement(f"{name} = {name}.read_bytes() if {name} else None")])
        return

    def edit(rewrite: Rewrite) -> cst.CSTNode:
        loaded = call(module, made, "{cp}.load_sync()", cp=rewrite(node))
        return expression("(saved.read_bytes() if (saved := {x}) else None)", x=loaded)

    plan.replace(made, edit, "read() is load()")


def _statement(text: str) -> cst.SimpleStatementLine:
    line = cst.parse_statement(text)
    assert isinstance(line, cst.SimpleStatementLine)
    return line
