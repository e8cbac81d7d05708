"""Where tasks go: what every callee of a project may hold, and which plain functions become coroutines for it.

A may-analysis: assignments of all files (`holdings`) are followed until nothing is new. What a variable holds and what is inside
what it holds are kept apart, deeper nesting is not; the order of assignments is not looked at. So a variable may be said to hold
more than it ever does, never less, as long as the text says where its values come from.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from flyte_bridge_translators.source.engine.entities import DECORATORS, Facts, Kind
from flyte_bridge_translators.source.engine.holdings import FunctionHoldings, Term
from flyte_bridge_translators.source.engine.names import is_v1

Values = frozenset[str]
Held = tuple[Values, Values]
"""What something may be, and what may be inside it."""

NOTHING: Values = frozenset()
PLAIN: Held = (NOTHING, NOTHING)

DRIVING = frozenset(
    {
        "flytekit.approve", "flytekit.conditional", "flytekit.core.node_creation.create_node", "flytekit.map_task",
        "flytekit.sleep", "flytekit.wait_for_input",
    }
)  # fmt: skip
"""Functions of flytekit that only a driver calls: who calls them becomes a coroutine function."""

_OF_CONTAINERS = frozenset(
    {
        "add", "append", "appendleft", "clear", "copy", "count", "extend", "get", "index", "insert", "items", "keys", "pop",
        "popitem", "popleft", "remove", "reverse", "setdefault", "sort", "union", "update", "values",
    }
)  # fmt: skip

_OF_ENTITIES = frozenset(
    {
        "compile", "execute", "interface", "local_execute", "metadata", "name", "nodes", "outputs", "python_interface",
        "task_function", "task_type", "with_overrides",
    }
)  # fmt: skip


_FOLLOWED = frozenset("cefhip")
"""The kinds of values that are followed through code nobody here has read; what else it is given does not matter."""

_READ = _FOLLOWED
"""The kinds of callees that the project itself has: what they are given is followed into them."""

_DEEPEST = 6
"""Attributes of attributes of what nobody here has read; no name of flytekit is longer."""


@dataclass(frozen=True)
class Callees:
    """What the callee of a call may be.

    Attributes:
        entities: Qualified names of tasks, workflows and launch plans.
        partial: Whether it may be a partial of one.
        coroutines: Ids of plain functions that become coroutine functions.
        generators: Whether one of those yields.
        others: Whether it may be anything else.
    """

    entities: frozenset[str] = NOTHING
    partial: bool = False
    coroutines: frozenset[str] = NOTHING
    generators: bool = False
    others: bool = False

    @property
    def awaits(self) -> bool:
        """Whether the call may give something to await."""
        return bool(self.entities or self.partial or self.coroutines)


@dataclass
class Flow:
    """The analysis of one project.

    Attributes:
        facts: Module → its facts.
        resolve: Follows re-exports.
        coroutines: Ids of the plain functions that become coroutine functions.
        in_tasks: Ids of the plain functions that tasks call, and that do not become coroutine functions.
    """

    facts: Mapping[str, Facts]
    resolve: Callable[[str | None], str | None]
    coroutines: frozenset[str] = NOTHING
    in_tasks: frozenset[str] = NOTHING
    _direct: dict[str, set[str]] = field(default_factory=dict)
    _inside: dict[str, set[str]] = field(default_factory=dict)
    _changed: bool = False

    def __post_init__(self) -> None:
        self._functions: dict[str, FunctionHoldings] = {}
        self._bases: dict[str, tuple[Term, ...]] = {}
        self._fields: dict[str, tuple[str, ...]] = {}
        self._entities: dict[str, Kind] = {}
        self._round: dict[int, Held] = {}
        self._functions_called: dict[str, set[str]] = {}
        self._entities_called: dict[str, set[str]] = {}
        for facts in self.facts.values():
            self._functions |= facts.holdings.functions
            self._bases |= facts.holdings.bases
            self._fields |= facts.holdings.fields
            self._entities |= {name: entity.kind for name, entity in facts.entities.items()}
        for name in self._entities:
            self._add(name, (frozenset({f"e:{name}"}), NOTHING))
        self._solve()
        self.coroutines = frozenset(self._coroutines())
        self.in_tasks = frozenset(self._in_tasks())

    # -- asking ------------------------------------------------------------------------------------------------------

    def callees(self, term: Term) -> Callees:
        """What a callee may be, by its term."""
        self._round.clear()  # terms are told apart by identity, and those of another file may be gone
        return self._callees(self._held(term)[0])

    def _callees(self, values: Iterable[str]) -> Callees:
        entities: set[str] = set()
        coroutines: set[str] = set()
        partial = generators = others = False
        for value in values:
            kind, _, rest = value.partition(":")
            if kind == "p":
                partial = True
            elif kind in {"e", "h"}:
                entities.add(rest)
            elif kind == "f" and rest in self.coroutines:
                coroutines.add(rest)
                generators = generators or self._functions[rest].generator
            elif kind == "i":
                inner = self._callees(self._attribute(value, "__call__")[0])
                entities |= inner.entities
                coroutines |= inner.coroutines
                others = others or inner.others
            else:
                others = True
        return Callees(frozenset(entities), partial, frozenset(coroutines), generators, others)

    def are_async(self, functions: Iterable[str]) -> bool:
        """Whether these functions are `async def` in Flyte 1 already."""
        return all(self._functions[name].is_async for name in functions)

    def is_generator(self, function: str) -> bool:
        """Whether a function yields."""
        known = self._functions.get(function)
        return known is not None and known.generator

    def handed(self, callee: Term, given: Iterable[Term]) -> bool:
        """Whether a call gives a task, or a function that is a coroutine function now, to code that nobody here has read.

        Such code calls it as a plain function and awaits nothing. A container of tasks counts for nothing: most code that is
        given one keeps it.
        """
        self._round.clear()
        if any(value[0] in _READ for value in self._held(callee)[0]):
            return False
        values = (value for term in given for value in self._held(term)[0])
        return any(
            value[0] in "ehp" or (value[0] == "f" and value.partition(":")[2] in self.coroutines) for value in values
        )

    # -- following assignments ---------------------------------------------------------------------------------------

    def _solve(self) -> None:
        holdings = [facts.holdings for facts in self.facts.values()]
        made = {
            name for name, kind in self._entities.items() if kind in {Kind.LAUNCH_PLAN, Kind.INSTANCE, Kind.IMPERATIVE}
        }
        assigned = [(cell, term) for one in holdings for cell, term in one.assigned if cell not in made]
        stored = [item for one in holdings for item in one.stored]
        calls = list(dict.fromkeys(term for one in holdings for terms in one.calls.values() for term in terms))
        while True:
            self._changed = False
            self._round.clear()
            for cell, term in assigned:
                self._add(cell, self._held(term))
            for holder, name, term in stored:
                held = self._held(term)
                for value in self._held(holder)[0]:
                    kind, _, rest = value.partition(":")
                    if kind in {"i", "c"}:
                        self._add(f"{rest}.{name}", held)
            for term in calls:
                self._held(term)
            if not self._changed:
                self._round.clear()
                return

    def _add(self, cell: str, held: Held) -> None:
        for shelf, values in ((self._direct, held[0]), (self._inside, held[1])):
            if values:
                known = shelf.setdefault(cell, set())
                if not values <= known:
                    known |= values
                    self._changed = True

    def _cell(self, cell: str) -> Held:
        return frozenset(self._direct.get(cell, ())), frozenset(self._inside.get(cell, ()))

    def _held(self, term: Term) -> Held:
        if term is None:
            return PLAIN
        match term:
            case ("value", str(value)):
                return frozenset({value}), NOTHING
            case ("cell", str(cell)):
                return self._cell(cell)
            case ("global", str(name)):
                return self._global(name)
            case ("box", *terms):
                whole = self._union(terms)
                return NOTHING, whole[0] | whole[1]
            case ("item", inner):
                held = self._held(inner)  # type: ignore[arg-type]
                # An item of a class is one of its members: `Steps["load"]` of an enum.
                members = self._union(("attr", inner, "*") for value in held[0] if value.startswith("c:"))
                inside = held[1] | members[0] | members[1]
                return inside, inside
            case ("any", *terms):
                return self._union(terms)
            case ("attr", inner, str(name)):
                return self._attr(self._held(inner), name)  # type: ignore[arg-type]
            case ("namespace", str(module)):
                every = frozenset(value for name in self._names_of(module) for value in self._direct.get(name, ()))
                return NOTHING, every
            case ("call", func, args, keywords):
                # One call stands in the terms of all it is nested in: it is followed once in a round.
                known = self._round.get(id(term))
                if known is None:
                    known = self._round[id(term)] = self._call(func, args, keywords)  # type: ignore[arg-type]
                return known
        raise AssertionError(term)

    def _union(self, terms: Iterable[object]) -> Held:
        direct: set[str] = set()
        inside: set[str] = set()
        for term in terms:
            held = self._held(term)  # type: ignore[arg-type]
            direct |= held[0]
            inside |= held[1]
        return frozenset(direct), frozenset(inside)

    def _names_of(self, module: str) -> Iterator[str]:
        facts = self.facts.get(module)
        if facts is not None:
            yield from (f"{module}.{name}" for name in facts.exports)

    def _global(self, name: str) -> Held:
        resolved = self.resolve(name) or name
        if resolved in self._direct or resolved in self._inside:
            return self._cell(resolved)
        if resolved in self.facts:
            return frozenset({f"m:{resolved}"}), NOTHING
        owner = resolved
        while "." in owner:
            owner = owner.rpartition(".")[0]
            if owner in self.facts:
                return (
                    PLAIN  # a name of the project that holds no callable, or an attribute the class's own rule follows
                )
        return frozenset({f"x:{resolved}"}), NOTHING

    def _attr(self, held: Held, name: str) -> Held:
        direct: set[str] = set()
        inside: set[str] = set()
        for value in held[0]:
            found = self._attribute(value, name)
            direct |= found[0]
            inside |= found[1]
        if held[1] and name not in _OF_CONTAINERS:
            direct |= held[1]
            inside |= held[1]
        return frozenset(direct), frozenset(inside)

    def _attribute(self, value: str, name: str) -> Held:
        kind, _, rest = value.partition(":")
        if kind in {"e", "h", "p"}:
            plain = name in _OF_ENTITIES or name in _OF_CONTAINERS or name.startswith("__")
            return PLAIN if plain else (frozenset({value}), NOTHING)
        if kind == "m":
            if name == "*":
                return self._union([("cell", one) for one in self._names_of(rest)])
            return self._global(f"{rest}.{name}")
        if kind in {"i", "c"}:
            return self._member(rest, name, set())
        if kind == "x":
            return frozenset({"x:?" if rest.count(".") > _DEEPEST else f"x:{rest}.{name}"}), NOTHING
        return PLAIN

    def _member(self, owner: str, name: str, seen: set[str]) -> Held:
        if owner in seen:
            return PLAIN
        seen.add(owner)
        if name == "*":
            own = [cell for cell in {*self._direct, *self._inside} if cell.rpartition(".")[0] == owner]
            found = self._union([("cell", cell) for cell in own])
        else:
            found = self._cell(f"{owner}.{name}")
        if found != PLAIN:
            return found
        for base in self._bases.get(owner, ()):
            for value in self._held(base)[0]:
                if value.startswith("c:"):
                    found = self._member(value[2:], name, seen)
                    if found != PLAIN:
                        return found
        return PLAIN

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, func: Term, args: tuple[Term, ...], keywords: tuple[tuple[str, Term], ...]) -> Held:
        given = [self._held(term) for term in args]
        named = {name: self._held(term) for name, term in keywords}
        callee = self._held(func)
        direct: set[str] = set()
        inside: set[str] = set()
        results: list[Held] = []
        unknown = not callee[0]
        for value in callee[0]:
            kind, _, rest = value.partition(":")
            if kind in {"e", "h"}:
                continue
            if kind == "f":
                results.append(self._apply(rest, given, named, 0))
            elif kind == "p":
                continue
            elif kind == "c":
                results.append(self._construct(rest, given, named))
            elif kind == "i":
                methods = self._attribute(value, "__call__")[0]
                results += [self._apply(inner[2:], given, named, 1) for inner in methods if inner.startswith("f:")]
            elif kind == "x":
                results.append(self._external(rest, given, named))
            else:
                unknown = True
        if unknown:
            receiver = self._receiver(func)
            if not any(value.startswith(("e:", "h:", "p:")) for value in receiver[0]):
                results.append(self._smashed([receiver, *given, *named.values()]))
        for held in results:
            direct |= held[0]
            inside |= held[1]
        return frozenset(direct), frozenset(inside)

    def _receiver(self, func: Term) -> Held:
        """What a method is called on."""
        if func is None or func[0] not in {"any", "attr"}:
            return PLAIN
        if func[0] == "attr":
            return self._held(func[1])  # type: ignore[arg-type]
        parts = [self._receiver(part) for part in func[1:]]  # type: ignore[arg-type]
        return frozenset().union(*(part[0] for part in parts)), frozenset().union(*(part[1] for part in parts))

    def _apply(self, function: str, given: list[Held], named: Mapping[str, Held], skip: int) -> Held:
        """A call of a function of the project: its parameters may hold the arguments."""
        known = self._functions[function]
        parameters = known.parameters[skip or (1 if known.method else 0) :]
        for place, held in enumerate(given):
            if place < len(parameters):
                self._add(f"{function}:{parameters[place]}", held)
            elif known.rest:
                self._add(f"{function}:{known.rest[0]}", (NOTHING, held[0] | held[1]))
        for name, held in named.items():
            if name in known.parameters:
                self._add(f"{function}:{name}", held)
            elif known.rest:
                self._add(f"{function}:{known.rest[-1]}", (NOTHING, held[0] | held[1]))
        return self._cell(f"{function}:return")

    def _construct(self, owner: str, given: list[Held], named: Mapping[str, Held]) -> Held:
        for inner in self._member(owner, "__init__", set())[0]:
            if inner.startswith("f:"):
                self._apply(inner[2:], given, named, 1)
        for name, held in zip(self._fields.get(owner, ()), given, strict=False):
            self._add(f"{owner}.{name}", held)
        for name, held in named.items():
            if name in self._fields.get(owner, ()):
                self._add(f"{owner}.{name}", held)
        held = self._smashed([*given, *named.values()])
        return frozenset({f"i:{owner}"}), held[0] | held[1]

    def _external(self, name: str, given: list[Held], named: Mapping[str, Held]) -> Held:
        if name == "functools.partial" and given:
            return self._partial(given, named)
        if name in DECORATORS:
            made = {f"h:{value[2:]}" for held in given for value in held[0] if value.startswith("f:")}
            return (frozenset(made) if made else frozenset({f"x:{name}"})), NOTHING
        if is_v1(name):
            return PLAIN
        direct, inside = self._smashed([*given, *named.values()])
        if direct and name.split(".", maxsplit=1)[0] not in sys.stdlib_module_names:
            direct |= {"x:?"}  # it may have put something of its own around what it was given
        return direct, inside

    def _partial(self, given: list[Held], named: Mapping[str, Held]) -> Held:
        values: set[str] = set()
        for value in given[0][0]:
            kind, _, rest = value.partition(":")
            if kind in {"e", "h"}:
                values.add(f"p:{rest}")
            else:
                values.add(value)
            if kind == "f":
                self._apply(rest, given[1:], named, 0)
                # Which parameter a later positional argument goes to depends on how many are bound: take any.
                whole = self._smashed([*given[1:], *named.values()])
                for parameter in self._functions[rest].parameters:
                    self._add(f"{rest}:{parameter}", whole)
        return frozenset(values), NOTHING

    def _smashed(self, parts: list[Held]) -> Held:
        """What a function that nobody here has read may give: anything it was given, or what is inside; functions among that it
        may call with any of it."""
        whole = frozenset(value for held in parts for half in held for value in half if value[0] in _FOLLOWED)
        if not whole:
            return PLAIN
        results = set(whole)
        for value in whole:
            if value.startswith("f:"):
                known = self._functions[value[2:]]
                for parameter in known.parameters[1 if known.method else 0 :]:
                    self._add(f"{value[2:]}:{parameter}", (whole - {value}, whole - {value}))
                held = self._cell(f"{value[2:]}:return")
                results |= held[0] | held[1]
        return frozenset(results), frozenset(results)

    # -- coroutines ----------------------------------------------------------------------------------------------------

    def _coroutines(self) -> set[str]:
        """The plain functions that drivers call, directly or through each other, and that call entities."""
        calling: set[str] = set()
        for facts in self.facts.values():
            for owner, terms in facts.holdings.calls.items():
                who = owner or f"{facts.module}#"
                functions = self._functions_called.setdefault(who, set())
                entities = self._entities_called.setdefault(who, set())
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
        while True:
            more = {who for who, inner in self._functions_called.items() if who not in calling and inner & calling}
            if not more:
                break
            calling |= more
        found: set[str] = set()
        queue = [name for name, one in self._functions.items() if one.driver]
        while queue:
            for inner in self._functions_called.get(queue.pop(), ()):
                known = self._functions.get(inner)
                if inner in calling and inner not in found and known is not None and known.entity is None:
                    found.add(inner)
                    queue.append(inner)
        return found

    def _in_tasks(self) -> set[str]:
        found: set[str] = set()
        queue = [name for name, one in self._functions.items() if one.entity is not None and not one.driver]
        while queue:
            for inner in self._functions_called.get(queue.pop(), ()):
                if inner not in found and inner not in self.coroutines and self._functions[inner].entity is None:
                    found.add(inner)
                    queue.append(inner)
        return found

    def _given(self, term: Term) -> Iterator[str]:
        """The entities among what a call is given: `map_task(f)`, `create_node(f)`."""
        assert term is not None
        for one in term[2]:  # type: ignore[attr-defined]
            for value in self._held(one)[0]:
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
                if inner not in seen and self._functions[inner].entity is None
            }
            seen |= more
            queue += more
        return frozenset(found)

    def _reached(self, term: Term) -> Iterator[str]:
        """What a call may call: its callee, and the functions it hands to one that nobody here has read."""
        if term is None or term[0] != "call":
            return
        _, func, args, keywords = term
        values = self._held(func)[0]  # type: ignore[arg-type]
        for value in values:
            if value.startswith("i:"):
                yield from self._attribute(value, "__call__")[0]
            elif value.startswith("c:"):
                yield from self._member(value[2:], "__init__", set())[0]
            else:
                yield value
        if not values or any(value.startswith("x:") for value in values):
            for held in (
                *(self._held(one) for one in args),  # type: ignore[attr-defined]
                *(self._held(one) for _, one in keywords),  # type: ignore[attr-defined]
            ):
                yield from (value for value in held[0] | held[1] if value.startswith("f:"))
