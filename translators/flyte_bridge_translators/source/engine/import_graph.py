"""Which modules of a project import which, as they are imported: what may be imported besides without a circle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyte_bridge_translators.source.engine.entities import Facts


class ImportGraph:
    """The imports at module level, and those inside functions as far as they may move there.

    Args:
        facts: Module → its facts.
    """

    def __init__(self, facts: Mapping[str, Facts]) -> None:
        self._known = frozenset(facts)
        self._edges = {module: self._modules(one.imports - one.inner_imports) for module, one in facts.items()}
        for module in facts:  # a module is imported after the packages it is in
            self._edges[module] |= {package for package in _packages(module) if package in self._known}
        self._loaded = {module: frozenset(targets) for module, targets in self._edges.items()}
        for module, one in sorted(facts.items()):
            for target in sorted(self._modules(one.inner_imports)):
                if not self._reaches(target, module):
                    self._edges[module].add(target)

    def closes_circle(self, module: str, target: str) -> bool:
        """Whether an import of a module, at the top of another, would lead back to that one."""
        if target in self._loaded.get(module, ()):
            return False
        return target not in self._edges.get(module, ()) and self._reaches(target, module)

    def _modules(self, names: frozenset[str]) -> set[str]:
        """The modules of the project among imported names, with the packages around them."""
        direct = {name for name in names if name in self._known}
        return direct | {package for name in names for package in _packages(name) if package in self._known}

    def _reaches(self, start: str, goal: str) -> bool:
        queue, seen = [start], {start}
        while queue:
            here = queue.pop()
            if here == goal:
                return True
            more = self._edges.get(here, set()) - seen
            seen |= more
            queue += more
        return False


def _packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]
