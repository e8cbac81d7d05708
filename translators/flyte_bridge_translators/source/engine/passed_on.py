"""Names of flytekit that a module of the project passes on to others: `from common import task`, `from common import *`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flyte_bridge_translators.source.engine.entities import Facts
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import TOP_LEVEL, canonical, is_v1


def passed_on(facts: Iterable[Facts]) -> dict[str, str]:
    """What modules pass on, those first that others import from.

    Returns:
        Name in the project → name in flytekit: `common.step` → `flytekit.task`.
    """
    every = list(facts)
    imported = frozenset().union(*(one.imports for one in every)) if every else frozenset()
    known: dict[str, str] = {}
    waiting = [one for one in every if one.module in imported]
    while True:
        before = len(known)
        for one in waiting:
            for name, qualified in (*one.reexports.items(), *one.values.items()):
                meant = canonical(qualified)
                meant = known.get(meant, meant)
                if is_v1(meant):
                    known[f"{one.module}.{name}"] = meant
            for star in one.stars:
                names = TOP_LEVEL if is_v1(star) else _below(known, star)
                for name in names - one.exports:
                    meant = canonical(f"{star}.{name}")
                    known[f"{one.module}.{name}"] = known.get(meant, meant)
        if len(known) == before:
            return known


def _below(known: Mapping[str, str], module: str) -> set[str]:
    return {name.removeprefix(f"{module}.") for name in known if name.rpartition(".")[0] == module}


def uses(module: Module, known: Mapping[str, str]) -> bool:
    """Whether a file names something that another module passes on."""
    if any(qualified in known for _, qualified in module.name_references):
        return True
    if any(one.qualified in known for each in module.scope.bindings.values() for one in each):
        return True
    passed = {name.rpartition(".")[0] for name in known}
    return any(star in passed for star in module.scope.stars)


def may_use(facts: Facts, known: Mapping[str, str]) -> bool:
    """Whether a file imports a module that passes something on."""
    return bool(facts.imports & {name.rpartition(".")[0] for name in known})
