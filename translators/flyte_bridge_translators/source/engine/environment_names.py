"""What task environments are called: after the path of their file below its project's root, so that it does not matter what else is
converted with it.

`pk/train.py` has `pk-train`; its environment `gpu_env` is `pk-train-gpu`, that of its workflows `pk-train-workflows`. In a file
whose name says that workflows are in it (`pk/workflows.py`), workflows are `pk-workflows`, and tasks `pk-workflows-tasks`. A name
that the table of names has from an earlier conversion stays.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from flyte_bridge_translators.source.engine.entities import Facts

LONGEST = 63
"""The longest name of an environment that Kubernetes labels can hold."""

NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
"""How Flyte 2 lets an environment be called."""

_HOLDS_WORKFLOWS = re.compile(r"(^|[_-])(workflows?|wfs?|flows?)$")


@dataclass(frozen=True)
class EnvironmentNames:
    """The names of a project's environments.

    Attributes:
        of: (module, variable) → name.
        clashes: Where the rule gives a name that another environment has: (module, variable) → that name.
    """

    of: Mapping[tuple[str, str], str] = field(default_factory=dict)
    clashes: Mapping[tuple[str, str], str] = field(default_factory=dict)


def environment_names(facts: Mapping[str, Facts], prefix: str = "") -> EnvironmentNames:
    """The names of all environments, those that are kept first.

    Args:
        facts: What is known of each module.
        prefix: What every name begins with.
    """
    variables = {
        (module, variable): each
        for module, each in sorted(facts.items())
        for variable in sorted({entity.environment for entity in each.entities.values() if entity.environment})
    }
    names: dict[tuple[str, str], str] = {}
    clashes: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for kept in (True, False):
        for key, each in variables.items():
            recorded = each.kept_environments.get(key[1])
            if (recorded is not None) is not kept:
                continue
            name = recorded or environment_name(each.place or each.module, key[1], prefix)
            if name in taken:
                clashes[key] = name
                name = _marked(name, ".".join(key))
            taken.add(name)
            names[key] = name
    return EnvironmentNames(names, clashes)


def environment_name(place: str, variable: str, prefix: str = "") -> str:
    """What the rule calls an environment.

    Args:
        place: Its file's path below the project's root, with dots.
        variable: The variable that holds it.
        prefix: What the name begins with.
    """
    parts = [clean(part) for part in place.split(".")]
    name = "-".join([*([prefix] if prefix else []), *parts]) + _suffix(parts[-1], variable)
    return _marked(name, name) if len(name) > LONGEST else name


def _marked(name: str, path: str) -> str:
    """A name with the mark of what it is the name of."""
    return f"{name[: LONGEST - 9].rstrip('-_')}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def clean(part: str) -> str:
    """A part of a module's name as environments may be called: lower-case letters, digits, single dashes and underscores."""
    lowered = re.sub(r"[^a-z0-9_]", "-", part.lower())
    return re.sub(r"([-_])[-_]+", r"\1", lowered).strip("-_") or "tasks"


def _suffix(last: str, variable: str) -> str:
    """What an environment's variable adds to the name of its module."""
    holds_workflows = _HOLDS_WORKFLOWS.search(last) is not None
    if variable == "env":
        return "-tasks" if holds_workflows else ""
    if variable == "driver":
        return "" if holds_workflows else "-workflows"
    return f"-{clean(variable.removesuffix('_env')).replace('_', '-')}"
