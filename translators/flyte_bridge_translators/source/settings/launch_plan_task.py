"""A launch plan as a small task of its own that calls the workflow: for a workflow of another file, or inputs that a trigger
cannot carry. What was fixed stays fixed in it.

A trigger that gives the time it fires at gives nothing else: the scheduler of Flyte 2 puts the time in the place of all its
inputs (runs/scheduler/executor/trigger_executor.go). So the task of such a launch plan has no other input.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from flyte_bridge_translators.source.engine import layout
from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.layout import Doc, Group
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings.launch_plan_reading import LaunchPlan, variable_of, wrapped_statements
from flyte_bridge_translators.source.settings.signature import Signature
from flyte_bridge_translators.source.settings.trigger import automated, comments_of, entries, given_input, spoken_name


def write(work: Work, plan: LaunchPlan, facts: Facts, used: set[str]) -> None:
    """Replace a launch plan by its task, or say why it cannot be."""
    workflow = work.context.entity(plan.target)
    if workflow is None or not workflow.kind.is_driver:
        work.report(
            "FB343",
            plan.call,
            f"{code(plan.workflow)} is not converted together with this file; its trigger is left to do",
        )
        return
    own = facts.entities.get(f"{facts.module}.{plan.variable}")
    variable = own.environment if own is not None and own.environment else "driver"
    signature = Signature(work, workflow, used)
    fixed = {key.strip("\"'"): value for key, value in _given(work, plan, "fixed_inputs")}
    defaults = {key.strip("\"'"): value for key, value in _given(work, plan, "default_inputs")}
    required: list[str] = []
    optional: list[str] = []
    passed: list[tuple[str, Doc]] = []
    if plan.kickoff is not None:
        fixed = {**defaults, **fixed}
    for parameter in workflow.parameters:
        if parameter.name in fixed:
            passed.append((f"{parameter.name}=", given_input(work, fixed[parameter.name], parameter)))
            continue
        if plan.kickoff not in {None, parameter.name} and parameter.default is not None:
            continue  # the workflow's own default
        passed.append((f"{parameter.name}=", parameter.name))
        written = parameter.name
        if parameter.annotation is not None:
            written += f": {signature.text(parameter.annotation)}"
        if parameter.name in defaults:
            optional.append(f"{written} = {layout.flat(given_input(work, defaults[parameter.name], parameter))}")
        elif parameter.default is not None:
            optional.append(f"{written} = {signature.text(parameter.default)}")
        else:
            required.append(written)
    returns = signature.returns()
    if signature.lost:
        work.report(
            "FB343",
            plan.call,
            f"{', '.join(sorted(signature.lost))} cannot be imported here for the launch plan's task",
        )
        return
    name = variable_of(plan, used)
    environment = work.context.environment_name(work.module.name, variable)
    doc = automated(work, plan, f"{environment}.{name}", [], plan.call)
    decorator = layout.render(layout.call(f"{variable}.task", triggers=doc), work.limit, column=1)
    head = Group(f"async def {name}(", tuple(("", text) for text in (*required, *optional)), f"){returns}:")
    back = "" if returns in {"", " -> None"} else "return "
    body = Group(f"{back}await {code(plan.workflow)}(", tuple(passed))
    lines = layout.render(head, work.limit), layout.render(body, work.limit, column=4, indent=4)
    function = cst.ensure_type(cst.parse_statement(f"@{decorator}\n{lines[0]}\n    {lines[1]}\n"), cst.FunctionDef)
    function = function.with_changes(
        leading_lines=[*[cst.EmptyLine(indent=False)] * 2, *comments_of(plan, code(function))],
        body=function.body.with_changes(footer=_gap(work, plan, facts)),
    )
    work.plan.replace(plan.statement, lambda _: cst.FlattenSentinel([function]), "a launch plan with a task of its own")
    work.report("FB341", plan.call, f"{spoken_name(plan)} became the task {name}, which calls {code(plan.workflow)}")


def _gap(work: Work, plan: LaunchPlan, facts: Facts) -> list[cst.EmptyLine]:
    """The blank lines missing between the new function and what follows."""
    body = list(work.module.tree.body)
    below = body[body.index(plan.statement) + 1 :]
    if not below or below[0] in set(wrapped_statements(work.module, facts)):
        return []
    lines = getattr(below[0], "leading_lines", ())
    return [cst.EmptyLine(indent=False)] * (2 - sum(line.comment is None for line in lines[:2]))


def _given(work: Work, plan: LaunchPlan, name: str) -> Iterator[tuple[str, cst.BaseExpression]]:
    node = plan.given.get(name)
    for key, value in entries(work, node) if node is not None else ():
        if value is None:
            work.report(
                "FB342", plan.call, f"{name}={layout.brief(plan.given[name])} cannot be read here and was left out"
            )
        else:
            yield key, value
