"""Names that Flyte 2 keeps for itself: inputs its own calls take, and a module of the user's called `flyte`.

Measured with flyte 2.12: an input goes beside the parameters of `flyte.run` and of what calls a task, which are not positional.
"""

from __future__ import annotations

from collections.abc import Mapping

from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.entities import Kind, entity_decorator
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context

INPUTS: Mapping[str, str] = {
    "func": "a task that is not async cannot be called with it",
    "obj": "`flyte.run` cannot give it",
    "self": "nothing can give it",
    "task": "`flyte.run` cannot give it",
}
"""Input → what fails."""


def translate(module: Module, context: Context) -> Plan:
    """Report the inputs and modules that Flyte 2 cannot have."""
    plan = Plan("reserved_names")
    for function in module.functions:
        found = entity_decorator(module, function)
        if found is None or found[1] is Kind.REFERENCE:
            continue
        for parameter in (*function.params.posonly_params, *function.params.params, *function.params.kwonly_params):
            name = parameter.name.value
            if name in INPUTS:
                plan.report("FB257", parameter, f"the input {name} of {function.name.value}: {INPUTS[name]}")
    hidden = sorted(name for name in context.facts if name.partition(".")[0] == "flyte")
    first = next((node for node in module.imports if module.is_top_level(node)), None)
    if hidden and first is not None and module.is_flyte1:
        plan.report("FB258", first, f"the project's own {hidden[0]} hides the SDK: `import flyte` finds it")
    return plan
