"""Launch plans: a `flyte.Trigger` on the workflow's task, or a small task of its own.

A trigger belongs to a task and must exist before its decorator, so it is written above the workflow. A launch plan of a
workflow in another file, or with inputs that a trigger cannot carry (flyte 2.12.1 sends lists pickled and refuses
dictionaries), becomes a task that calls the workflow; what was fixed stays fixed there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import CONSTRUCTORS, Entity, Facts, Kind, Parameter
from flyte_bridge_translators.source.engine.layout import Doc, Group
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.places import Places
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, string_value
from flyte_bridge_translators.source.settings import notification, schedule, setting
from flyte_bridge_translators.source.settings.environment_groups import decorated, unique
from flyte_bridge_translators.source.settings.expressions import Work, used_names

_TAIL = (
    "default_inputs", "fixed_inputs", "schedule", "notifications", "labels", "annotations", "raw_output_data_config",
    "max_parallelism", "security_context", "auth_role", "trigger", "overwrite_cache", "auto_activate", "concurrency",
)  # fmt: skip

SIGNATURES: Mapping[str, Sequence[str]] = {
    "flytekit.LaunchPlan": (
        "name",
        "workflow",
        "parameters",
        "fixed_inputs",
        "schedule",
        "notifications",
        "labels",
        "annotations",
    ),
    "flytekit.LaunchPlan.create": ("name", "workflow", *_TAIL),
    "flytekit.LaunchPlan.get_default_launch_plan": ("ctx", "workflow"),
    "flytekit.LaunchPlan.get_or_create": ("workflow", "name", *_TAIL),
}
"""How a launch plan can be made, with the names of its positional arguments."""

ELSEWHERE: Mapping[str, str] = {
    "auth_role": "give the environment a `service_account=`",
    "concurrency": "ask `flyte.remote.Run.listall` at the start of the workflow, or limit the queue",
    "parameters": "give the inputs to the trigger",
    "raw_output_data_config": "start the run with `flyte.with_runcontext(raw_data_path=…)`",
    "security_context": "give the environment a `service_account=`",
    "trigger": "use `flyte.OnArtifact(…)` as the automation",
}
"""Settings a trigger does not have, and where they live."""

_COLLECTION = re.compile(r"\b(list|dict|tuple|set|frozenset|sequence|mapping)\b", re.IGNORECASE)


@dataclass(frozen=True)
class LaunchPlan:
    """One launch plan at module level.

    Attributes:
        statement: Where it is made.
        call: How.
        variable: The name it is bound to; None for a bare call.
        workflow: Its workflow, as written.
        target: The qualified name of its workflow.
        given: The arguments.
        mode: `trigger`, `task` (a small task of its own) or `alias` (the default launch plan).
    """

    statement: cst.SimpleStatementLine
    call: cst.Call
    variable: str | None
    workflow: cst.BaseExpression
    target: str
    given: Mapping[str, cst.BaseExpression]
    mode: str


def plans(module: Module, facts: Facts) -> Iterator[LaunchPlan]:
    """The launch plans of a file that can be read."""
    functions = {one.function.name.value: one.function for one in decorated(module) if one.kind.is_driver}
    for statement in module.tree.body:
        if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
            continue
        small = statement.body[0]
        variable, value = _bound(small)
        if not isinstance(value, cst.Call):
            continue
        maker = module.names.qualified(value.func) or ""
        if CONSTRUCTORS.get(maker) is not Kind.LAUNCH_PLAN:
            continue
        read = arguments.read(value, SIGNATURES[maker])
        given = {name: node for name, node in read.named.items() if not arguments.is_none(node)}
        workflow = given.get("workflow")
        target = module.names.qualified(workflow)
        if workflow is None or target is None or read.stars or read.extra:
            continue
        mode = _mode(module, facts, functions, statement, target, given)
        yield LaunchPlan(statement, value, variable, workflow, target, given, mode)


def _bound(small: cst.BaseSmallStatement) -> tuple[str | None, cst.BaseExpression | None]:
    if isinstance(small, cst.Assign) and len(small.targets) == 1 and isinstance(small.targets[0].target, cst.Name):
        return small.targets[0].target.value, small.value
    if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
        return small.target.value, small.value
    return None, small.value if isinstance(small, cst.Expr) else None


def _mode(
    module: Module,
    facts: Facts,
    functions: Mapping[str, cst.FunctionDef],
    statement: cst.SimpleStatementLine,
    target: str,
    given: Mapping[str, cst.BaseExpression],
) -> str:
    if not set(given) - {"workflow", "ctx"}:
        return "alias"
    entity = facts.entities.get(target)
    function = functions.get(target.rpartition(".")[2])
    if entity is None or function is None or entity.module != module.name or entity.nested:
        return "task"
    annotations = {parameter.name: parameter.annotation or "" for parameter in entity.parameters}
    for name in ("default_inputs", "fixed_inputs"):
        for argument, value in _entries(module, given.get(name)):
            if _is_collection(value, annotations.get(argument or "", "")):
                return "task"
    return "trigger" if _movable(module, statement, function) else "task"


def _is_collection(value: cst.BaseExpression, annotation: str) -> bool:
    if isinstance(value, (cst.List, cst.Dict, cst.Set, cst.Tuple, cst.ListComp, cst.DictComp, cst.SetComp)):
        return True
    return not arguments.is_none(value) and _COLLECTION.search(annotation) is not None


def _movable(module: Module, statement: cst.SimpleStatementLine, function: cst.FunctionDef) -> bool:
    """Whether everything the launch plan mentions (its workflow apart) exists before its workflow."""
    places = Places(module)
    limit = places.of(function)
    return all(
        places.of_name(name, limit) < limit
        for name in used_names(statement.body[0])
        if name.value != function.name.value
        and not _is_target(module, name)
        and not is_v1(module.names.qualified(name))
    )


def _is_target(module: Module, name: cst.Name) -> bool:
    return isinstance(module.parents.get(name), (cst.AssignTarget, cst.AnnAssign))


def _entries(module: Module, node: cst.BaseExpression | None) -> list[tuple[str | None, cst.BaseExpression]]:
    """The entries of a dictionary, written here or in a constant; a key that is no literal is None."""
    while isinstance(node, cst.Name):
        definition = module.definition(node.value)
        if not isinstance(definition, cst.BaseExpression) or definition is node:
            return []
        node = definition
    if isinstance(node, cst.Call) and code(node.func) == "dict":
        return [(argument.keyword.value if argument.keyword else None, argument.value) for argument in node.args]
    if not isinstance(node, cst.Dict):
        return []
    return [
        (string_value(element.key) if isinstance(element, cst.DictElement) else None, element.value)
        for element in node.elements
    ]


def needs_driver(module: Module, facts: Facts) -> bool:
    """Whether a launch plan of the file becomes a task of its own."""
    return any(plan.mode == "task" for plan in plans(module, facts))


def wrapped_statements(module: Module, facts: Facts) -> Iterator[cst.SimpleStatementLine]:
    """The launch plans that become tasks of their own."""
    return (plan.statement for plan in plans(module, facts) if plan.mode == "task")


def triggers(module: Module, facts: Facts) -> dict[str, list[str]]:
    """Workflow name → the variables of its triggers, for those that are defined above it."""
    found: dict[str, list[str]] = {}
    used = module.taken()
    for plan in plans(module, facts):
        if plan.mode == "trigger":
            found.setdefault(plan.target.rpartition(".")[2], []).append(variable_of(plan, used))
    return found


def variable_of(plan: LaunchPlan, used: set[str]) -> str:
    if plan.variable is not None:
        return plan.variable
    name = string_value(plan.given.get("name")) or "trigger"
    word = re.sub(r"\W+", "_", name.lower()).strip("_")
    return unique([word if word.isidentifier() else "trigger", f"{word}_trigger"], used)


# -- writing -----------------------------------------------------------------------------------------------------------


def translate(module: Module, context: Context) -> Plan:
    """Write the triggers of a file's launch plans."""
    work = setting.work(module, context, "launch_plan")
    facts = context.facts.get(module.name)
    if facts is None or not module.is_flyte1:
        return work.plan
    from flyte_bridge_translators.source.settings import launch_plan_task

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
    for call, name in module.calls:
        if CONSTRUCTORS.get(name) is Kind.LAUNCH_PLAN and call not in read:
            work.report(
                "FB343",
                call,
                f"the launch plan {layout.brief(call)} cannot be read here; write a `flyte.Trigger` for it",
            )
    return work.plan


def _alias(work: Work, plan: LaunchPlan) -> None:
    work.report("FB349", plan.call, f"the default launch plan of {code(plan.workflow)} is the task itself")
    if plan.variable is None:
        work.plan.remove(plan.statement, "the default launch plan is the workflow itself")
    else:
        work.plan.replace(plan.call, plan.workflow, "the default launch plan is the workflow itself")


def spoken_name(plan: LaunchPlan) -> str:
    node = plan.given.get("name")
    if node is not None:
        return code(node)
    return layout.quoted(plan.variable or code(plan.workflow).rpartition(".")[2])


def automated(work: Work, plan: LaunchPlan, inputs: list[tuple[str, Doc]], where: cst.CSTNode) -> Group:
    """The `flyte.Trigger(…)` of a launch plan, with the inputs it gives (the time it fires at is added)."""
    given = plan.given
    positional: list[Doc] = [spoken_name(plan)]
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
    doc = automated(work, plan, list(inputs.items()), function)
    host = work.module.statement(function) if not isinstance(function, cst.BaseStatement) else function
    assert host is not None
    statement = layout.statement(doc, work.limit, target=variable, blank=blank)
    statement = statement.with_changes(leading_lines=[*statement.leading_lines, *comments_of(plan, code(statement))])
    work.plan.insert_before(host, [statement])
    work.plan.replace(plan.statement, lambda _: cst.FlattenSentinel([]), "the trigger stands above its workflow")


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
