"""Where things stand in a file."""

from __future__ import annotations

from collections.abc import Iterable

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.settings.decorated import Decorated, decorated


class Places:
    """The order of a file's statements at module level.

    Attributes:
        first: The first task or workflow.
        imports: The last import before the first entity; new environments stand after it. −1 when there is none.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.index = {statement: number for number, statement in enumerate(module.tree.body)}
        self.first = min((self.of(one.function) for one in decorated(module)), default=len(module.tree.body))
        above = [self.of(node) for node in module.imports if module.is_top_level(node)]
        self.imports = max((place for place in above if place < self.first), default=-1)

    def of(self, node: cst.CSTNode) -> int:
        """The statement of the file a node stands in."""
        if node in self.index:
            return self.index[node]  # type: ignore[index]
        return next((self.index[above] for above in self.module.ancestors(node) if above in self.index), -1)  # type: ignore[index]

    def first_of(self, members: Iterable[Decorated]) -> int:
        """The first statement that needs an environment: that of its first task, or the end of the file."""
        return min((self.of(one.function) for one in members), default=len(self.module.tree.body))

    def of_name(self, name: cst.Name, before: int | None = None) -> int:
        """Where a module-level name got its value; −1 for any other name.

        Args:
            name: The name.
            before: The statement that uses it: of several values the last one above it counts.
        """
        found = [self.of(binding.node) for binding in self.module.scope.bindings.get(name.value, ())]
        above = [place for place in found if before is None or place < before]
        return max(above or found, default=-1)
