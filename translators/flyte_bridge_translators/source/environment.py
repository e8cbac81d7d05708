"""Task environments: which task lives in which, what they are called, and where they are written.

`assign(module)` is part of a file's facts, so it looks at this file only; everything that needs the whole project (the
`depends_on` of drivers) is written by `translate`.
"""

from __future__ import annotations

from collections.abc import Mapping

from flyte_bridge_translators.source.entities import Facts
from flyte_bridge_translators.source.module import Module


def assign(module: Module, facts: Facts) -> Mapping[str, str]:
    """Entity name → the variable of its task environment."""
    del module
    return {entity.name: "driver" if entity.kind.is_driver else "env" for entity in facts.entities.values()}
