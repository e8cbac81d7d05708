"""`flytekit.logger` becomes `flyte.logger`."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.data.flyte_io import expression
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context


def translate(module: Module, context: Context) -> Plan:
    """Replace the SDK's own logger."""
    del context
    plan = Plan("logger")
    for node, _ in module.references:
        current: cst.BaseExpression = node
        while module.names.qualified(current) != "flytekit.logger" and isinstance(current, cst.Attribute):
            current = current.value
        if module.names.qualified(current) == "flytekit.logger":
            plan.want("import flyte")
            plan.replace(current, expression("flyte.logger"), "Flyte 2's logger")
    return plan
