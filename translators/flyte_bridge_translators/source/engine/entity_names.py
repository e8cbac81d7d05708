"""What the entities of a file are called in Flyte 1, and since an earlier conversion in Flyte 2."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.engine.arguments import read
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.tree import string_value

IMPERATIVE = "flytekit.Workflow"
"""What makes an imperative workflow."""


SHELL_TASKS = frozenset({"flytekit.extras.tasks.shell.ShellTask", "flytekit.extras.tasks.ShellTask"})
FILE_SENSORS = frozenset({"flytekit.sensor.file_sensor.FileSensor", "flytekit.sensor.FileSensor"})


def flyte1_name(module: Module, function: str) -> str:
    """What an entity is called in Flyte 1: what is made and not written as it says, all others after their module."""
    return _given_names(module).get(function, f"{module.name}.{function}")


def _given_names(module: Module) -> Mapping[str, str]:
    """Variable of what was written out as a function, and has a name of its own → that name."""
    if module.before is None:
        return {}
    while module.before is not None:
        module = module.before
    names = {}
    for variable, value, _ in module.assignments:
        if isinstance(value, cst.Call) and module.names.qualified(value.func) in {
            IMPERATIVE,
            *SHELL_TASKS,
            *FILE_SENSORS,
        }:
            name = string_value(read(value, ("name",)).named.get("name"))
            if name is not None:
                names[variable] = name
    return names


def kept_environment(module: Module, function: str) -> str | None:
    """The environment that an entity has lived in since an earlier conversion."""
    recorded = module.naming.recorded(flyte1_name(module, function), module.name)
    return recorded.rpartition(".")[0] or None if recorded is not None else None
