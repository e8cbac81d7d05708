"""References: what a function with `@reference_task(…)` stood for is got from where it is deployed, by `flyte.remote.Task.get`.

Its name there is another one: the one that the table of names has, or that is converted together with it, else it is left to do.
"""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.tree import code, string_value
from flyte_bridge_translators.source.engine.work import Work

SIGNATURE = ("project", "domain", "name", "version")


def write(work: Work, function: cst.FunctionDef, decorator: cst.Decorator) -> None:
    """Write `count = flyte.remote.Task.get(…)` for a function that only declares what is registered elsewhere."""
    name = function.name.value
    given = arguments.read(decorator.decorator, SIGNATURE)
    single = len(function.decorators) == 1 and work.module.is_top_level(function)
    if not single or given.stars or given.extra or set(given.named) != set(SIGNATURE):
        work.report("FB351", function, f"{name} refers to something registered on Flyte 1")
        return
    flyte1 = string_value(work.value(given.named["name"]))
    flyte2 = _flyte2_name(work, flyte1) if flyte1 is not None else None
    if flyte2 is None:
        said = f"{name} refers to {layout.brief(given.named['name'])} of Flyte 1: say what it is called in Flyte 2, and its version"
    else:
        said = f"{name} was {flyte1} in Flyte 1: say which version of {flyte2} is meant"
    work.report("FB351", function, said)
    values: dict[str, Doc | None] = {key: code(given.named[key]) for key in ("project", "domain", "version")}
    target = layout.quoted(flyte2) if flyte2 is not None else code(given.named["name"])
    made = layout.statement(layout.call("flyte.remote.Task.get", target, **values), work.limit, target=name)
    made = made.with_changes(leading_lines=function.leading_lines)
    work.plan.want("import flyte.remote")
    work.plan.replace(function, lambda _: made, "a reference is got from where it is deployed")


def _flyte2_name(work: Work, flyte1: str) -> str | None:
    """What an entity or launch plan of Flyte 1 is called in Flyte 2, as far as is known here."""
    table = work.module.naming.table
    if flyte1 in table.entities:
        return table.entities[flyte1]
    if flyte1 in table.launch_plans:
        return table.launch_plans[flyte1].task
    entity = work.context.entities.get(flyte1)
    if entity is None or entity.environment is None:
        return None
    return f"{work.context.environment_name(entity.module, entity.environment)}.{entity.name}"
