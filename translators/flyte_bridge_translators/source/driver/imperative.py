"""Imperative workflows: `Workflow(name=…)`, `add_workflow_input`, `add_entity`, `add_workflow_output` as a `@workflow` function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.engine.arguments import read
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import outputs
from flyte_bridge_translators.source.engine.entity_names import IMPERATIVE
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code, rebuilt, string_value, used_names
from flyte_bridge_translators.source.engine.unfolding import import_flytekit

_ENTITIES = frozenset({"add_entity", "add_task", "add_subwf", "add_launch_plan"})
_CREATE_NODE = "flytekit.core.node_creation.create_node"


@dataclass
class _Imperative:
    """An imperative workflow, as it is built.

    Attributes:
        variable: The name it is bound to.
        inputs: Its inputs: name → type, as text.
        aliases: Variable of an input → the input.
        nodes: Variable of a node → what it calls, as text.
        body: The lines of the function, as text.
        outputs: Its outputs: name, value, type.
        statements: What builds it.
        handler: What it calls when it fails.
    """

    variable: str
    inputs: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    body: list[str] = field(default_factory=list)
    outputs: list[tuple[str, str, str]] = field(default_factory=list)
    statements: list[cst.SimpleStatementLine] = field(default_factory=list)
    handler: str | None = None


def unfold(module: Module) -> Mapping[cst.CSTNode, Sequence[cst.BaseStatement]]:
    """Each imperative workflow that is built of literal statements, as a function where its last one stands."""
    if "Workflow(" not in module.text:
        return {}
    written: dict[cst.CSTNode, Sequence[cst.BaseStatement]] = {}
    for name, value, statement in module.assignments:
        if not isinstance(value, cst.Call) or module.names.qualified(value.func) != IMPERATIVE:
            continue
        built = _read(module, name, statement)
        if built is None:
            continue
        written |= {each: [] for each in built.statements}
        written[built.statements[-1]] = _written(built)
    import_flytekit(module, written)
    return written


def translate(module: Module, context: Context) -> Plan:
    """Import what the function's outputs are named with."""
    del context
    plan = Plan("imperative")
    if module.before is not None and "NamedTuple" in module.used and "NamedTuple" not in module.scope.bindings:
        plan.want("from typing import NamedTuple")
    return plan


def _read(module: Module, name: str, start: cst.SimpleStatementLine) -> _Imperative | None:
    built = _Imperative(name, statements=[start])
    body = list(module.tree.body)
    for statement in body[body.index(start) + 1 :]:
        if not isinstance(statement, cst.SimpleStatementLine):
            continue
        used = {each.value for each in used_names(statement)}
        if not used & {name, *built.aliases, *built.nodes}:
            continue
        if len(statement.body) != 1 or not _take(module, built, statement.body[0]):
            if _builds(statement.body[0], name):
                return None
            continue
        built.statements.append(statement)
    return built if len(built.statements) > 1 else None


def _builds(small: cst.BaseSmallStatement, name: str) -> bool:
    return f"{name}.add_" in code(small)


def _take(module: Module, built: _Imperative, small: cst.BaseSmallStatement) -> bool:
    """Read one statement; whether it was understood."""
    target = None
    value = small.value if isinstance(small, (cst.Assign, cst.Expr)) else None
    if isinstance(small, cst.Assign):
        if len(small.targets) != 1 or not isinstance(small.targets[0].target, cst.Name):
            return False
        target = small.targets[0].target.value
    if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, (cst.RightShift, cst.LeftShift)):
        built.body.append(code(value))
        return True
    if not (isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute)):
        return False
    method = value.func.attr.value
    if method == "runs_before" and code(value.func.value) in built.nodes and value.args:
        built.body.append(f"{code(value.func.value)} >> {code(value.args[0].value)}")
        return True
    if code(value.func.value) != built.variable:
        return False
    return _method(module, built, method, value, target)


def _method(module: Module, built: _Imperative, method: str, call: cst.Call, target: str | None) -> bool:
    if method == "add_workflow_input":
        given = read(call, ("input_name", "python_type")).named
        name = string_value(given.get("input_name"))
        if name is None or not name.isidentifier() or "python_type" not in given:
            return False
        built.inputs[name] = code(given["python_type"])
        if target is not None:
            built.aliases[target] = name
        return True
    if method in _ENTITIES and call.args and not call.args[0].keyword and not any(each.star for each in call.args):
        entity, *rest = call.args
        target = target or f"n{len(built.nodes)}"
        built.nodes[target] = code(entity.value)
        given_text = "".join(f", {code(each.keyword or each.value)}={_text(built, each.value)}" for each in rest)
        built.body.append(f"{target} = {_CREATE_NODE}({code(entity.value)}{given_text})")
        return all(each.keyword is not None for each in rest)
    if method == "add_workflow_output":
        given = read(call, ("output_name", "p", "python_type")).named
        name = string_value(given.get("output_name"))
        if name is None or "p" not in given:
            return False
        kind = code(given["python_type"]) if "python_type" in given else _type(module, built, given["p"])
        built.outputs.append((name, _text(built, given["p"]), kind or ""))
        return kind is not None
    if method == "add_on_failure_handler" and len(call.args) == 1:
        built.handler = code(call.args[0].value)
        return True
    return False


def _text(built: _Imperative, value: cst.BaseExpression) -> str:
    """An expression of the builder's as it stands in the function."""

    def change(node: cst.CSTNode) -> cst.CSTNode | None:
        if isinstance(node, cst.Subscript) and isinstance(node.value, cst.Attribute):
            owner, attribute = node.value.value, node.value.attr.value
            index = node.slice[0].slice
            key = string_value(index.value) if isinstance(index, cst.Index) else None
            if key is not None and attribute == "inputs" and code(owner) == built.variable:
                return cst.Name(key)
            if key is not None and attribute == "outputs":
                return cst.Attribute(owner, cst.Name(key))
        if isinstance(node, cst.Name) and node.value in built.aliases:
            return cst.Name(built.aliases[node.value])
        return None

    return code(rebuilt(value, change))


def _type(module: Module, built: _Imperative, value: cst.BaseExpression) -> str | None:
    """The type of an output that is an input, or an output of a function of this file."""
    text = _text(built, value)
    if text in built.inputs:
        return built.inputs[text]
    node, _, output = text.partition(".")
    function = module.definition(built.nodes.get(node, ""))
    if not isinstance(function, cst.FunctionDef):
        return None
    declared = outputs(module, function.returns)
    return dict(zip(declared.names, declared.annotations, strict=False)).get(output)


def _written(built: _Imperative) -> list[cst.BaseStatement]:
    """The function, and the type of its outputs when they have names."""
    lines: list[str] = []
    returns = "None"
    values = ", ".join(value for _, value, _ in built.outputs)
    if len(built.outputs) == 1:
        returns = built.outputs[0][2]
    elif built.outputs:
        returns = "".join(part.capitalize() for part in built.variable.split("_")) + "Outputs"
        fields = ", ".join(f"{name}={kind}" for name, _, kind in built.outputs)
        lines.append(f'{returns} = NamedTuple("{returns}", {fields})\n')
    handler = f"(on_failure={built.handler})" if built.handler else ""
    parameters = ", ".join(f"{name}: {kind}" for name, kind in built.inputs.items())
    body = [*built.body, *([f"return {values}"] if values else [])] or ["pass"]
    text = f"@flytekit.workflow{handler}\ndef {built.variable}({parameters}) -> {returns}:\n"
    lines.append(text + "".join(f"    {line}\n" for line in body))
    made = [cst.parse_statement(line) for line in lines]
    comments = [line for each in built.statements for line in each.leading_lines if line.comment is not None]
    blank = [cst.EmptyLine(indent=False)] * 2
    statements = [cst.ensure_type(each, cst.BaseStatement) for each in made]  # type: ignore[type-abstract]
    statements[0] = statements[0].with_changes(leading_lines=[*blank, *comments])
    if len(statements) > 1:
        statements[1] = statements[1].with_changes(leading_lines=blank)
    return statements
