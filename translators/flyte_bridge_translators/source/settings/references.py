"""Which entities the drivers of a file refer to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import libcst as cst

from flyte_bridge_translators.source.engine.entities import Entity, Kind
from flyte_bridge_translators.source.engine.holdings_reader import holdings_of
from flyte_bridge_translators.source.engine.house_decorators import tasks_of
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context
from flyte_bridge_translators.source.settings.environment_groups import EnvironmentGroup
from flyte_bridge_translators.source.settings.launch_plan_reading import wrapped_statements
from flyte_bridge_translators.source.settings.places import Places


class References:
    """Which entities a driver's functions refer to, through helper functions of the same file too.

    Attributes:
        local: (module, variable) of an environment of another module → what it is called here.
    """

    def __init__(self, module: Module, context: Context) -> None:
        self.module = module
        self.context = context
        self.places = Places(module)
        self.local: dict[tuple[str, str], str] = {}
        self.found: dict[int, list[tuple[str, cst.Name | cst.Attribute]]] = {}
        for chain, qualified in module.name_references:
            self.found.setdefault(self.places.of(chain), []).append((qualified, chain))

    def of(self, home: EnvironmentGroup) -> Iterator[tuple[Entity, cst.Name | cst.Attribute]]:
        """Entities the members of a home refer to, each once, in the order of the text; a launch plan's workflow for it."""
        seen: set[str] = set()
        places = [self.places.of(function) for function in self._functions(home)]
        if home.driver and not home.settings:
            places += self._launch_plans()
        for entity, chain in (*self._below(places, set()), *self._through_plain_python(home)):
            target = entity
            if entity.kind is Kind.LAUNCH_PLAN:
                workflow = self.context.entity(entity.target)
                if workflow is None:
                    continue
                target = workflow
            if target.qualified not in seen:
                seen.add(target.qualified)
                yield target, chain

    def _functions(self, home: EnvironmentGroup) -> Iterator[cst.FunctionDef]:
        """The functions that live in a home, by decorators of the house too."""
        yield from (one.function for one in home.members)
        made = {name for one in home.values for name in tasks_of(self.module, one.value)}
        yield from (one for one in self.module.functions if one.name.value in made and self.module.is_top_level(one))

    def _through_plain_python(self, home: EnvironmentGroup) -> Iterator[tuple[Entity, cst.Name]]:
        """What functions of other files call for them, what variables and containers hold."""
        names = holdings_of(self.module).ids
        called = self.context.flow.called_below(names[function] for function in self._functions(home))
        for qualified in sorted(called):
            entity = self.context.entity(qualified)
            if entity is not None:
                yield entity, cst.Name("_")

    def _launch_plans(self) -> Iterator[int]:
        facts = self.context.facts.get(self.module.name)
        if facts is not None:
            for statement in wrapped_statements(self.module, facts):
                yield self.places.of(statement)

    def _below(self, places: Iterable[int], visited: set[int]) -> Iterator[tuple[Entity, cst.Name | cst.Attribute]]:
        for place in places:
            if place in visited:
                continue
            visited.add(place)
            for qualified, chain in self.found.get(place, ()):
                entity = self._entity(qualified)
                if entity is not None:
                    yield entity, chain
                elif qualified.startswith(f"{self.module.name}."):
                    name = qualified.removeprefix(f"{self.module.name}.").split(".")[0]
                    helpers = [
                        binding.node
                        for binding in self.module.scope.bindings.get(name, ())
                        if isinstance(binding.node, (cst.FunctionDef, cst.Assign, cst.AnnAssign))
                    ]
                    yield from self._below([self.places.of(node) for node in helpers], visited)

    def _entity(self, qualified: str) -> Entity | None:
        while "." in qualified:
            entity = self.context.entity(qualified)
            if entity is not None:
                return entity
            qualified = qualified.rpartition(".")[0]
        return None
