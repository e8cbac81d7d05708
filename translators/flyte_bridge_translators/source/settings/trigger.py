"""The `flyte.Trigger` of a launch plan: what starts its workflow, when, and with which inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.entities import Parameter
from flyte_bridge_translators.source.engine.layout import Doc, Group
from flyte_bridge_translators.source.engine.naming import LaunchPlanName
from flyte_bridge_translators.source.engine.tree import code, string_value
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import notification, schedule
from flyte_bridge_translators.source.settings.launch_plan_reading import LaunchPlan

ELSEWHERE: Mapping[str, str] = {
    "auth_role": "give the environment a `service_account=`",
    "concurrency": "ask `flyte.remote.Run.listall` at the start of the workflow, or limit the queue",
    "parameters": "give the inputs to the trigger",
    "raw_output_data_config": "start the run with `flyte.with_runcontext(raw_data_path=…)`",
    "security_context": "give the environment a `service_account=`",
    "trigger": "use `flyte.OnArtifact(…)` as the automation",
}
"""Settings a trigger does not have, and where they live."""


def spoken_name(plan: LaunchPlan) -> str:
    node = plan.given.get("name")
    if node is not None:
        return code(node)
    return layout.quoted(plan.variable or code(plan.workflow).rpartition(".")[2])


def called(work: Work, plan: LaunchPlan, task: str) -> Doc:
    """The name of a launch plan's trigger, as it is written: the launch plan's, unless the table of names has another.

    Args:
        work: The translator at work.
        plan: The launch plan.
        task: The full name of the task that the trigger belongs to.
    """
    spoken = spoken_name(plan)
    name = string_value(work.value(plan.given["name"])) if "name" in plan.given else plan.variable
    if name is None:
        return spoken
    recorded = work.module.naming.table.launch_plans.get(name)
    work.plan.launch_plans[name] = LaunchPlanName(task, recorded.trigger if recorded is not None else name)
    if recorded is not None and recorded.task != task:
        work.report(
            "FB318", plan.call, f"the launch plan {name} was a trigger of {recorded.task}, and is one of {task} now"
        )
    return layout.quoted(recorded.trigger) if recorded is not None and recorded.trigger != name else spoken


def automated(work: Work, plan: LaunchPlan, task: str, inputs: list[tuple[str, Doc]], where: cst.CSTNode) -> Group:
    """The `flyte.Trigger(…)` of a launch plan on a task, with the inputs it gives (the time it fires at is added)."""
    given = plan.given
    positional: list[Doc] = [called(work, plan, task)]
    if "schedule" in given:
        found = schedule.automation(work, given["schedule"], where)
        if found is not None:
            positional.append(found.doc)
            if found.kickoff is not None:
                inputs.insert(0, (found.kickoff, "flyte.TriggerTime"))
    for name, hint in ELSEWHERE.items():
        if name in given:
            work.report("FB342", where, f"{name}={layout.brief(given[name])} was left out: {hint}")
    values: dict[str, Doc | None] = {
        "inputs": Group("{", tuple((f"{key}: ", value) for key, value in inputs), "}") if inputs else None,
        "notifications": notification.convert(work, given["notifications"], where)
        if "notifications" in given
        else None,
    }
    for name in ("labels", "annotations", "overwrite_cache"):
        if name in given:
            values[name] = work.doc(given[name])
    if "max_parallelism" in given:
        values["max_action_concurrency"] = _parallelism(work, given["max_parallelism"], where)
    active = given.get("auto_activate")
    values["auto_activate"] = work.doc(active) if active is not None else "False"
    work.plan.want("import flyte")
    return layout.call("flyte.Trigger", *positional, **values)


def _parallelism(work: Work, node: cst.BaseExpression, where: cst.CSTNode) -> Doc | None:
    known = arguments.constant(work.value(node))
    if known == 0:
        return None
    work.report("FB348", where, f"max_parallelism={code(node)} became one more")
    return str(known + 1) if isinstance(known, int) and isinstance(node, cst.Integer) else f"{code(node)} + 1"


def comments_of(plan: LaunchPlan, written: str) -> list[cst.EmptyLine]:
    """The comments of a launch plan's statement that are not in what is written for it."""
    return [cst.EmptyLine(comment=cst.Comment(one)) for one in layout.comments(plan.statement) if one not in written]


def entries(work: Work, node: cst.BaseExpression) -> Iterator[tuple[str, cst.BaseExpression | None]]:
    """The entries of an inputs dictionary as (text of the key, value)."""
    value = node if isinstance(node, cst.Dict) or not isinstance(node, cst.Name) else work.value(node)
    if isinstance(value, cst.Call) and code(value.func) == "dict" and all(argument.keyword for argument in value.args):
        for argument in value.args:
            assert argument.keyword is not None
            yield layout.quoted(argument.keyword.value), argument.value
    elif isinstance(value, cst.Dict) and value is node:
        for element in value.elements:
            if isinstance(element, cst.DictElement):
                yield code(element.key), element.value
            else:
                yield f"**{code(element.value)}", None
    elif isinstance(value, cst.Dict):
        for element in value.elements:
            if isinstance(element, cst.DictElement):
                yield code(element.key), element.value
    else:
        yield f"**{code(node)}", None


def given_input(work: Work, value: cst.BaseExpression, parameter: Parameter | None) -> Doc:
    """An input's value. Flyte 1 takes a path for a file; a trigger sends what it is given."""
    annotation = (parameter.annotation or "") if parameter is not None else ""
    known = arguments.constant(value)
    if isinstance(known, str):
        for v1, v2 in (("FlyteFile", "File"), ("FlyteDirectory", "Dir")):
            if v1 in annotation:
                work.plan.want(f"from flyte.io import {v2}")
                return layout.call(f"{v2}.from_existing_remote", code(value))
    return work.doc(value)
