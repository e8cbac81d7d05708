"""Attributes of tasks, workflows and launch plans: `task.python_interface`, `task.task_function`, `workflow.nodes`."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import expression
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import Entity, Kind
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.engine.tree import code

GONE: Mapping[str, str] = {
    "compile": "a workflow is a function; nothing compiles it",
    "container_image": "the image belongs to the environment: `env.image`",
    "default_inputs": "they are the `inputs` of the trigger",
    "dispatch_execute": "run it with `flyte.run`",
    "environment": "the variables belong to the environment: `env.env_vars`",
    "failure_node": "the handler is in the workflow's body",
    "fixed_inputs": "they are the `inputs` of the trigger",
    "get_container": "a task of Flyte 2 makes its container when it is deployed",
    "get_default_command": "a task of Flyte 2 makes its command when it is deployed",
    "get_type_for_input_var": "read `native_interface.inputs`",
    "get_type_for_output_var": "read `native_interface.outputs`",
    "interface": "`interface` is another type in Flyte 2: read `native_interface`",
    "local_execute": "call the function itself, or run it with `flyte.run`",
    "metadata": "`retries`, `timeout`, `cache` and `interruptible` are attributes of the task",
    "nodes": "a workflow is a function, and has no nodes before it runs",
    "output_bindings": "a workflow is a function, and has no bindings",
    "schedule": "it is the `automation` of the trigger",
    "security_context": "secrets belong to the environment: `env.secrets`",
    "workflow": "the trigger belongs to the workflow's task",
}
"""Attribute that Flyte 2 does not have, or not with this meaning → what is there instead."""


def translate(module: Module, context: Context) -> Plan:
    """Write the attributes anew that Flyte 2 has under another name, report the others."""
    plan = Plan("entity_attributes")
    for node in module.every(cst.Attribute):
        name = node.attr.value
        if name not in GONE and name not in {"name", "python_interface", "task_function"}:
            continue
        entity = context.entity(module.names.qualified(node.value)) if module.names.qualified(node.value) else None
        if entity is None or entity.kind in {Kind.REFERENCE, Kind.INSTANCE, Kind.IMPERATIVE}:
            continue
        if isinstance(module.parents.get(node), cst.Decorator):
            continue
        _attribute(module, plan, node, name, entity)
    return plan


def _attribute(module: Module, plan: Plan, node: cst.Attribute, name: str, entity: Entity) -> None:
    if name == "name":
        plan.report("FB255", node, f"{code(node)} is the name in Flyte 2: its environment's, a dot, the function's")
    elif name == "task_function" and entity.kind is Kind.TASK:
        plan.replace(
            node,
            lambda rewrite: rewrite.inside(node).with_changes(attr=cst.Name("func")),
            "the function of a task is `func`",
        )
    elif name == "python_interface":
        _interface(module, plan, node)
    else:
        plan.report("FB256", node, f"{code(node)}: {GONE.get(name, 'it is an async function now')}")


def _interface(module: Module, plan: Plan, node: cst.Attribute) -> None:
    """`inputs` and `outputs` of a Python interface: name → type."""
    part = module.parents.get(node)
    which = part.attr.value if isinstance(part, cst.Attribute) and part.value is node else ""
    if part is None or which not in {"inputs", "outputs"}:
        plan.report("FB256", node, f"{code(node)}: read `native_interface.inputs` (type and default) and `.outputs`")
        return
    text = "{t}.native_interface.outputs"
    if which == "inputs":
        text = "{{name: kind for name, (kind, _) in {t}.native_interface.inputs.items()}}"
    plan.replace(
        part,
        lambda rewrite: _expression(text, rewrite(node.value)),
        "the interface in Python's types is native_interface",
    )


def _expression(text: str, owner: cst.BaseExpression) -> cst.BaseExpression:
    return expression(text.replace("{t}", code(owner)).replace("{{", "{").replace("}}", "}"))
