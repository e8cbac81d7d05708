"""Launch plans: a `flyte.Trigger` on the workflow's task, or a small task of its own.

A trigger belongs to a task and must exist before its decorator, so it is written above the workflow. A launch plan of a
workflow in another file, or with inputs that a trigger cannot carry (flyte 2.12.1 sends lists pickled and refuses
dictionaries), becomes a task that calls the workflow; what was fixed stays fixed there.
"""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.edits import Plan, Rewrite
from flyte_bridge_translators.source.engine.entities import CONSTRUCTORS, Entity, Facts, Kind
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.syntax import keyword, parsed
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import launch_plan_task
from flyte_bridge_translators.source.settings.decorated import decorated
from flyte_bridge_translators.source.settings.launch_plan_reading import LaunchPlan, plans, variable_of
from flyte_bridge_translators.source.settings.trigger import automated, comments_of, entries, given_input, spoken_name


def translate(module: Module, context: Context) -> Plan:
    """Write the triggers of a file's launch plans."""
    work = Work.of(module, context, "launch_plan")
    facts = context.facts.get(module.name)
    if facts is None or not module.is_flyte1:
        return work.plan
    functions = {one.function.name.value: one.function for one in decorated(module) if one.kind.is_driver}
    used = module.taken()
    started: set[str] = set()
    read: set[cst.Call] = set()
    for plan in plans(module, facts):
        read.add(plan.call)
        if plan.mode == "alias":
            _alias(work, plan)
        elif plan.mode == "trigger":
            function = functions[plan.target.rpartition(".")[2]]
            blank = 0 if plan.target in started else 2
            started.add(plan.target)
            _trigger(work, plan, function, facts.entities[plan.target], variable_of(plan, used), blank)
        else:
            launch_plan_task.write(work, plan, facts, used)
    for call in module.all_calls:
        if module.names.qualified(call.func) == "functools.partial" and module.is_top_level(call):
            _of_the_workflow(work, facts, call)
    for call, name in module.calls:
        if CONSTRUCTORS.get(name) is Kind.LAUNCH_PLAN and call not in read:
            work.report(
                "FB343",
                call,
                f"the launch plan {layout.brief(call)} cannot be read here; write a `flyte.Trigger` for it",
            )
    return work.plan


def _of_the_workflow(work: Work, facts: Facts, call: cst.Call) -> None:
    """`partial(plan, x=1)` at module level: the plan is a trigger now, so its workflow is bound."""
    plan = call.args[0].value if call.args else None
    entity = work.context.entity(work.qualified(plan)) if plan is not None else None
    if plan is None or entity is None or entity.kind is not Kind.LAUNCH_PLAN:
        return
    workflow = facts.entities.get(entity.target or "")
    if workflow is None:
        work.report("FB343", call, f"`{code(plan)}` is a trigger now, which nothing can be bound to: bind its workflow")
        return
    given = {argument.keyword.value for argument in call.args if argument.keyword is not None}
    bound = [keyword(name, parsed(text)) for name, text in entity.bound if name not in given]

    def rewritten(rewrite: Rewrite) -> cst.Call:
        inner = rewrite.inside(call)
        rest = [argument.with_changes(comma=cst.MaybeSentinel.DEFAULT) for argument in inner.args[1:]]
        return inner.with_changes(args=[cst.Arg(cst.Name(workflow.name)), *rest, *bound])

    work.plan.replace(call, rewritten, "a trigger cannot be called: its workflow is")


def _alias(work: Work, plan: LaunchPlan) -> None:
    work.report("FB349", plan.call, f"the default launch plan of {code(plan.workflow)} is the task itself")
    if plan.variable is None:
        work.plan.remove(plan.statement, "the default launch plan is the workflow itself")
    else:
        work.plan.replace(plan.call, plan.workflow, "the default launch plan is the workflow itself")


def _trigger(
    work: Work, plan: LaunchPlan, function: cst.FunctionDef, workflow: Entity, variable: str, blank: int
) -> None:
    """A trigger above its workflow; the decorator lists it (`task`)."""
    parameters = {parameter.name: parameter for parameter in workflow.parameters}
    inputs: dict[str, Doc] = {}
    for name in ("default_inputs", "fixed_inputs"):
        node = plan.given.get(name)
        if node is None:
            continue
        for key, value in entries(work, node):
            inputs[key] = given_input(work, value, parameters.get(key.strip("\"'"))) if value is not None else ""
        if name == "fixed_inputs":
            work.report("FB344", function, f"{spoken_name(plan)}: {code(node)} was fixed in Flyte 1")
    environment = work.context.environment_name(work.module.name, workflow.environment or "driver")
    doc = automated(work, plan, f"{environment}.{workflow.name}", list(inputs.items()), function)
    host = work.module.statement(function) if not isinstance(function, cst.BaseStatement) else function
    assert host is not None
    statement = layout.statement(doc, work.limit, target=variable, blank=blank)
    statement = statement.with_changes(leading_lines=[*statement.leading_lines, *comments_of(plan, code(statement))])
    work.plan.insert_before(host, [statement])
    work.plan.replace(plan.statement, lambda _: cst.FlattenSentinel([]), "the trigger stands above its workflow")
