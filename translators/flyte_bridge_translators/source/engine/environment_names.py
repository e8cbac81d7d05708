"""What task environments are called: one name per environment, unique over the project."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping

from flyte_bridge_translators.source.engine.entities import Facts

LONGEST = 63
"""The longest name of an environment that Kubernetes labels can hold."""


def environment_names(facts: Mapping[str, Facts]) -> Mapping[tuple[str, str], str]:
    """(module, variable) → the name of that environment: after the module's last part where that is enough to tell it from
    all others, else after its whole path."""
    variables = {
        module: sorted({entity.environment for entity in each.entities.values() if entity.environment})
        for module, each in facts.items()
    }
    living = {module for module, names in variables.items() if names}
    short = {module: clean(module.rpartition(".")[2]) for module in living}
    shared = Counter(short.values())
    taken: set[str] = set()
    names: dict[tuple[str, str], str] = {}
    for module in sorted(living):
        base = short[module] if shared[short[module]] == 1 else "-".join(clean(part) for part in module.split("."))
        for variable in variables[module]:
            names[module, variable] = _free(f"{base}{suffix(variable)}", taken)
    return names


def _free(name: str, taken: set[str]) -> str:
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 9].rstrip('-_')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    made, number = name, 2
    while made in taken:
        made, number = f"{name}-{number}", number + 1
    taken.add(made)
    return made


def clean(part: str) -> str:
    """A part of a module's name as environments may be called: lower-case letters, digits, single dashes and underscores."""
    lowered = re.sub(r"[^a-z0-9_]", "-", part.lower())
    return re.sub(r"([-_])[-_]+", r"\1", lowered).strip("-_") or "tasks"


def suffix(variable: str) -> str:
    """What an environment's variable adds to the name of its module."""
    if variable == "env":
        return ""
    if variable == "driver":
        return "-workflows"
    return f"-{clean(variable.removesuffix('_env')).replace('_', '-')}"
