"""Which plain functions drivers reach: those become coroutine functions, where they call tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flyte_bridge_translators.source.engine.holdings import Term

if TYPE_CHECKING:
    from flyte_bridge_translators.source.engine.flow import Flow

DRIVING = frozenset(
    {
        "flytekit.approve", "flytekit.conditional", "flytekit.core.node_creation.create_node", "flytekit.map_task",
        "flytekit.sleep", "flytekit.wait_for_input",
    }
)  # fmt: skip
"""Functions of flytekit that only a driver calls: who calls them becomes a coroutine function."""

_CONSTRUCTING = ("__init__", "__new__", "__post_init__")


class Reach:
    """Who calls whom in one project.

    Args:
        flow: What every callee may hold, solved.
    """

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._functions_called: dict[str, set[str]] = {}
        self._entities_called: dict[str, set[str]] = {}
        self._calling = self._read()

    def found(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """The ids of plain functions that become coroutine functions; that only tasks call; that call entities where Python calls
        them by itself and nothing can be awaited."""
        functions = self._flow.functions
        reached = self._coroutines([name for name, one in functions.items() if one.driver])
        in_tasks = self._in_tasks(reached)
        implied = {
            name
            for name in self._calling
            if name in functions and functions[name].is_implied and name not in in_tasks and not functions[name].entity
        }
        # Who uses these may not be seen from here: what they call is called in a driver all the same.
        unseen = implied - reached
        reached |= unseen | self._coroutines(unseen)
        stuck = {name for name in reached if name in unseen or not functions[name].can_be_awaited}
        return frozenset(reached - stuck), frozenset(in_tasks - reached), frozenset(stuck)

    def _read(self) -> set[str]:
        """Notes who calls what; the functions that call entities, through others too."""
        flow = self._flow
        names = flow.implied_names
        calling: set[str] = set()
        for facts in flow.facts.values():
            for owner, terms in facts.holdings.calls.items():
                calling |= self._calls(owner or f"{facts.module}#", terms)
            for owner, items in facts.holdings.implied.items():
                functions = self._functions_called.setdefault(owner or f"{facts.module}#", set())
                for base, name, _ in items:
                    if name in names:
                        functions |= flow.implied_functions(base, name)
        while True:
            more = {who for who, inner in self._functions_called.items() if who not in calling and inner & calling}
            if not more:
                return calling
            calling |= more

    def _calls(self, who: str, terms: Iterable[Term]) -> set[str]:
        functions = self._functions_called.setdefault(who, set())
        entities = self._entities_called.setdefault(who, set())
        calling = set()
        for term in terms:
            for value in self._reached(term):
                kind, _, rest = value.partition(":")
                if kind == "f":
                    functions.add(rest)
                elif kind in {"e", "h", "p"}:
                    entities.add(rest)
                elif kind == "x" and rest in DRIVING:
                    calling.add(who)
                    entities.update(self._given(term))
        if entities:
            calling.add(who)
        return calling

    def _coroutines(self, roots: Iterable[str]) -> set[str]:
        """The plain functions that these call, directly or through each other, and that call entities."""
        found: set[str] = set()
        queue = list(roots)
        while queue:
            for inner in self._functions_called.get(queue.pop(), ()):
                known = self._flow.functions.get(inner)
                if inner in self._calling and inner not in found and known is not None and known.entity is None:
                    found.add(inner)
                    queue.append(inner)
        return found

    def _in_tasks(self, coroutines: set[str]) -> set[str]:
        found: set[str] = set()
        functions = self._flow.functions
        queue = [name for name, one in functions.items() if one.entity is not None and not one.driver]
        while queue:
            for inner in self._functions_called.get(queue.pop(), ()):
                if inner not in found and inner not in coroutines and functions[inner].entity is None:
                    found.add(inner)
                    queue.append(inner)
        return found

    def _given(self, term: Term) -> Iterator[str]:
        """The entities among what a call is given: `map_task(f)`, `create_node(f)`."""
        assert term is not None
        for one in term[2]:  # type: ignore[attr-defined]
            for value in self._flow.held(one)[0]:
                kind, _, rest = value.partition(":")
                if kind in {"e", "h", "p"}:
                    yield rest

    def called_below(self, functions: Iterable[str]) -> frozenset[str]:
        """Every entity that these functions may call, through plain functions too, by qualified name."""
        found: set[str] = set()
        queue = list(functions)
        seen = set(queue)
        while queue:
            here = queue.pop()
            found |= self._entities_called.get(here, set())
            more = {
                inner
                for inner in self._functions_called.get(here, ())
                if inner not in seen and self._flow.functions[inner].entity is None
            }
            seen |= more
            queue += more
        return frozenset(found)

    def _reached(self, term: Term) -> Iterator[str]:
        """What a call may call: its callee, and the functions it hands to one that nobody here has read."""
        if term is None or term[0] != "call":
            return
        flow = self._flow
        _, func, args, keywords = term
        values = flow.held(func)[0]  # type: ignore[arg-type]
        for value in values:
            if value.startswith("i:"):
                yield from flow.attribute(value, "__call__")[0]
            elif value.startswith("c:"):
                for name in _CONSTRUCTING:
                    yield from flow.member(value[2:], name, set())[0]
            else:
                yield value
        if not values or any(value.startswith("x:") for value in values):
            for held in (
                *(flow.held(one) for one in args),  # type: ignore[attr-defined]
                *(flow.held(one) for _, one in keywords),  # type: ignore[attr-defined]
            ):
                yield from (value for value in held[0] | held[1] if value.startswith("f:"))
