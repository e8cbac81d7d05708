"""The launch plans of a file, and what each of them becomes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.entities import CONSTRUCTORS, Facts, Kind
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import is_v1
from flyte_bridge_translators.source.engine.tree import code, string_value, used_names
from flyte_bridge_translators.source.settings.decorated import decorated, unique
from flyte_bridge_translators.source.settings.places import Places
from flyte_bridge_translators.source.settings.schedule import kickoff_of

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
        kickoff: The input that gets the time it fires at.
    """

    statement: cst.SimpleStatementLine
    call: cst.Call
    variable: str | None
    workflow: cst.BaseExpression
    target: str
    given: Mapping[str, cst.BaseExpression]
    mode: str
    kickoff: str | None = None


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
        kickoff = _kickoff(module, given.get("schedule"))
        mode = _mode(module, facts, functions, statement, target, given)
        if kickoff is not None and {"default_inputs", "fixed_inputs"} & set(given):
            mode = "task"
        yield LaunchPlan(statement, value, variable, workflow, target, given, mode, kickoff)


def _kickoff(module: Module, node: cst.BaseExpression | None) -> str | None:
    """The input that gets the time of a schedule, which may be a constant of the file."""
    value: cst.CSTNode | None = node
    if isinstance(node, cst.Name):
        value = module.definition(node.value)
    if not isinstance(value, cst.Call):
        return None
    return string_value(kickoff_of(module.names.qualified(value.func), value))


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
