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
from flyte_bridge_translators.source.engine.reach import Reach

Values = frozenset[str]
Held = tuple[Values, Values]
"""What something may be, and what may be inside it."""

NOTHING: Values = frozenset()
PLAIN: Held = (NOTHING, NOTHING)

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

_MADE = "flytekit()"
"""What a call of flytekit gives."""

_DEEPEST = 6
"""Attributes of attributes of what nobody here has read; no name of flytekit is longer."""


def _foreign(name: str) -> Values:
    """What nobody here has read: where it comes from is enough, but for names that some rule asks for."""
    root = name.split(".", maxsplit=1)[0]
    asked_for = (is_v1(name) or root == "functools") and name.count(".") <= _DEEPEST
    return frozenset({f"x:{name if asked_for else root}"})


@dataclass(frozen=True)
class Callees:
    """What the callee of a call may be.

    Attributes:
        entities: Qualified names of tasks, workflows and launch plans.
        partial: Whether it may be a partial of one.
        coroutines: Ids of plain functions that become coroutine functions.
        generators: Whether one of those yields.
        others: Whether it may be anything else.
        unknown: Whether nothing is known of it: it may be a task all the same.
    """

    entities: frozenset[str] = NOTHING
    partial: bool = False
    coroutines: frozenset[str] = NOTHING
    generators: bool = False
    others: bool = False
    unknown: bool = False

    @property
    def awaits(self) -> bool:
        """Whether the call may give something to await."""
        return bool(self.entities or self.partial or self.coroutines)


@dataclass(frozen=True)
class Followed:
    """What was found at a term or assignment, and what it depends on: it is followed again when some of that has changed.

    Attributes:
        changes: How many changes there had been when it was looked at.
        reads: The cells it was found in.
    """

    changes: int
    reads: frozenset[str]
    held: Held


@dataclass
class Flow:
    """The analysis of one project.

    Attributes:
        facts: Module → its facts.
        resolve: Follows re-exports.
        coroutines: Ids of the plain functions that become coroutine functions.
        in_tasks: Ids of the plain functions that tasks call, and that do not become coroutine functions.
        stuck: Ids of the functions that call entities and that Python calls by itself, where nothing can be awaited.
    """

    facts: Mapping[str, Facts]
    resolve: Callable[[str | None], str | None]
    coroutines: frozenset[str] = NOTHING
    in_tasks: frozenset[str] = NOTHING
    stuck: frozenset[str] = NOTHING
    _direct: dict[str, Values] = field(default_factory=dict)
    _inside: dict[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.functions: dict[str, FunctionHoldings] = {}
        self._bases: dict[str, tuple[Term, ...]] = {}
        self._fields: dict[str, tuple[str, ...]] = {}
        self._entities: dict[str, Kind] = {}
        self._memo: dict[int | Values, Followed] = {}
        self._reads: set[str] = set()
        self._changes = 0
        self._changed_at: dict[str, int] = {}
        self._handed: dict[str, set[str]] = {}
        self._members: dict[str, dict[str, None]] = {}
        self._below: dict[str, list[str]] = {}
        self._implied: list[Term] = []
        for facts in self.facts.values():
            self.functions |= facts.holdings.functions
            self._bases |= facts.holdings.bases
            self._fields |= facts.holdings.fields
            self._entities |= {name: entity.kind for name, entity in facts.entities.items()}
        for name in self._entities:
            self._add(name, (frozenset({f"e:{name}"}), NOTHING))
        self._solve()
        self._reach = Reach(self)
        self.coroutines, self.in_tasks, self.stuck = self._reach.found()

    # -- asking ------------------------------------------------------------------------------------------------------

    def callees(self, term: Term) -> Callees:
        """What a callee may be, by its term."""
        self._memo.clear()  # terms are told apart by identity, and those of another file may be gone
        return self._callees(self.held(term)[0])

    def _callees(self, values: Iterable[str]) -> Callees:
        entities: set[str] = set()
        coroutines: set[str] = set()
        partial = generators = others = False
        values = list(values)
        for value in values:
            kind, _, rest = value.partition(":")
            if kind == "p":
                partial = True
            elif kind in {"e", "h"}:
                entities.add(rest)
            elif kind == "f" and rest in self.coroutines:
                coroutines.add(rest)
                generators = generators or self.functions[rest].generator
            elif kind == "i":
                inner = self._callees(self.attribute(value, "__call__")[0])
                entities |= inner.entities
                coroutines |= inner.coroutines
                others = others or inner.others
            else:
                others = True
        return Callees(frozenset(entities), partial, frozenset(coroutines), generators, others, unknown=not values)

    @property
    def read_by_name(self) -> frozenset[str]:
        """The names of properties that are coroutine functions now."""
        return frozenset(self.functions[one].name for one in self.coroutines if self.functions[one].reads)

    def runs_when_read(self, term: Term, name: str) -> bool:
        """Whether reading an attribute runs a property that is a coroutine function now."""
        self._memo.clear()
        return bool(self.implied_functions(term, name) & self.coroutines)

    def implied_functions(self, term: Term, name: str) -> frozenset[str]:
        """Their ids."""
        return frozenset(
            inner[2:]
            for value in self.held(term)[0]
            if value.startswith("i:")
            for inner in self.attribute(value, name)[0]
            if inner.startswith("f:") and self.functions[inner[2:]].is_implied
        )

    def called_below(self, functions: Iterable[str]) -> frozenset[str]:
        """Every entity that these functions may call, through plain functions too, by qualified name."""
        return self._reach.called_below(functions)

    def are_async(self, functions: Iterable[str]) -> bool:
        """Whether these functions are `async def` in Flyte 1 already."""
        return all(self.functions[name].is_async for name in functions)

    def is_generator(self, function: str) -> bool:
        """Whether a function yields."""
        known = self.functions.get(function)
        return known is not None and known.generator

    def handed(self, callee: Term, given: Iterable[Term]) -> bool:
        """Whether a call gives a task, or a function that is a coroutine function now, to code that nobody here has read.

        Such code calls it as a plain function and awaits nothing. A container of tasks counts for nothing: most code that is
        given one keeps it.
        """
        self._memo.clear()
        if any(value[0] in _READ for value in self.held(callee)[0]):
            return False
        values = (value for term in given for value in self.held(term)[0])
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
        names = self.implied_names
        calls += [
            ("implied", base, name, given)
            for one in holdings
            for items in one.implied.values()
            for base, name, given in items
            if name in names
        ]
        seen = -1
        while seen != self._changes:
            seen = self._changes
            below = self._subclasses()
            if below != self._below:
                self._below = below
                self._memo.clear()
            for assignment in assigned:
                self._followed(id(assignment), self._assign, *assignment)
            for attribute in stored:
                self._followed(id(attribute), self._store, *attribute)
            for term in calls:
                self.held(term)
        self._memo.clear()

    def _followed(self, key: int | Values, follow: Callable[..., Held], *given: object) -> Held:
        """What is found at a term or assignment, looked for again only when something it depends on has changed since."""
        known = self._memo.get(key)
        if known is None or any(self._changed_at.get(cell, 0) > known.changes for cell in known.reads):
            outer, changes = self._reads, self._changes
            self._reads = set()
            held = follow(*given)
            known = self._memo[key] = Followed(changes, frozenset(self._reads), held)
            self._reads = outer
        self._reads |= known.reads
        return known.held

    def _assign(self, cell: str, term: Term) -> Held:
        self._add(cell, self.held(term))
        return PLAIN

    def _store(self, holder: Term, name: str, term: Term) -> Held:
        held = self.held(term)
        for value in self.held(holder)[0]:
            kind, _, rest = value.partition(":")
            if kind in {"i", "c"}:
                self._add(f"{rest}.{name}", held)
        return PLAIN

    def _add(self, cell: str, held: Held) -> None:
        for shelf, values in ((self._direct, held[0]), (self._inside, held[1])):
            if values:
                known = shelf.get(cell, NOTHING)
                if not values <= known:
                    shelf[cell] = known | values
                    owner = cell.rpartition(".")[0]
                    self._members.setdefault(owner, {})[cell] = None
                    self._changes += 1
                    self._changed_at[cell] = self._changed_at[f"{owner}.*"] = self._changes

    def _cell(self, cell: str) -> Held:
        self._reads.add(cell)
        return self._direct.get(cell, NOTHING), self._inside.get(cell, NOTHING)

    def held(self, term: Term) -> Held:
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
            case ("implied", inner, str(name), given):
                return self._by_itself(self.held(inner), name, given)  # type: ignore[arg-type]
            case ("members", inner):
                return NOTHING, self._attr(self.held(inner), "*")[0]  # type: ignore[arg-type]
            case ("super", str(owner)):
                return frozenset({f"s:{owner}"}), NOTHING
            case ("item", inner):
                held = self.held(inner)  # type: ignore[arg-type]
                # An item of a class is one of its members: `Steps["load"]` of an enum.
                is_class = any(value.startswith("c:") for value in held[0])
                members = self._attr(held, "*") if is_class else PLAIN
                inside = held[1] | members[0] | members[1]
                return inside, inside
            case ("any", *terms):
                return self._union(terms)
            case ("attr", inner, str(name)):
                return self._attr(self.held(inner), name)  # type: ignore[arg-type]
            case ("namespace", str(module)):
                return NOTHING, self._union(("cell", name) for name in self._names_of(module))[0]
            case ("call", *parts):
                return self._followed(
                    id(term), self._call, *parts
                )  # one call stands in the terms of all it is nested in
        raise AssertionError(term)

    def _union(self, terms: Iterable[object]) -> Held:
        direct: set[str] = set()
        inside: set[str] = set()
        for term in terms:
            held = self.held(term)  # type: ignore[arg-type]
            direct |= held[0]
            inside |= held[1]
        return frozenset(direct), frozenset(inside)

    def _names_of(self, module: str) -> Iterator[str]:
        facts = self.facts.get(module)
        if facts is not None:
            yield from (f"{module}.{name}" for name in facts.exports)

    def _global(self, name: str) -> Held:
        resolved = self.resolve(name) or name
        self._reads.add(resolved)
        if resolved in self._direct or resolved in self._inside:
            return self._cell(resolved)
        if resolved in self.facts:
            return frozenset({f"m:{resolved}"}), NOTHING
        owner = resolved
        while "." in owner:
            owner = owner.rpartition(".")[0]
            if owner in self.facts:
                # A name of the project that holds no callable, an attribute the class's own rule follows, or what the
                # module makes when it is asked for.
                getters = self._cell(f"{owner}.__getattr__")[0]
                return self._union(("cell", f"{one[2:]}:return") for one in getters if one.startswith("f:"))
        return _foreign(resolved), NOTHING

    def _attr(self, held: Held, name: str) -> Held:
        direct: set[str] = set()
        inside: set[str] = set()
        for value in held[0]:
            for each in self._read(self.attribute(value, name)):
                direct |= each[0]
                inside |= each[1]
        if held[1] and name not in _OF_CONTAINERS:
            direct |= held[1]
            inside |= held[1]
        return frozenset(direct), frozenset(inside)

    def attribute(self, value: str, name: str) -> Held:
        kind, _, rest = value.partition(":")
        if kind in {"e", "h", "p"}:
            plain = name in _OF_ENTITIES or name in _OF_CONTAINERS or name.startswith("__")
            return PLAIN if plain else (frozenset({value}), NOTHING)
        if kind == "m":
            if rest == "*":  # a module whose name is computed
                return self._union(("global", f"{module}.{name}") for module, one in self.facts.items() if one.entities)
            if name == "*":
                return self._union([("cell", one) for one in self._names_of(rest)])
            return self._global(f"{rest}.{name}")
        if kind in {"i", "c"}:
            return self._dispatched(rest, name)
        if kind == "s":
            return self._union(("cell", f"{base}.{name}") for base in self._above(rest))
        if kind == "x":
            if rest == _MADE:
                return frozenset({value}), NOTHING
            return _foreign(f"{rest}.{name}"), NOTHING
        return PLAIN

    def _read(self, held: Held) -> Iterator[Held]:
        """An attribute's value as it is read: a property runs."""
        kept = set()
        for value in held[0]:
            known = self.functions.get(value[2:]) if value.startswith("f:") else None
            if known is not None and known.reads:
                yield self._cell(f"{value[2:]}:return")
            else:
                kept.add(value)
        yield frozenset(kept), held[1]

    def _by_itself(self, held: Held, name: str, given: tuple[Term, ...]) -> Held:
        """What the methods give that Python calls by itself, for each object that something may be."""
        results: list[Held] = []
        for value in held[0]:
            if value.startswith("i:"):
                results += [
                    self._apply(inner[2:], [self.held(term) for term in given], {}, 1)
                    for inner in self.attribute(value, name)[0]
                    if inner.startswith("f:") and self.functions[inner[2:]].is_implied
                ]
        return frozenset().union(*(one[0] for one in results)), frozenset().union(*(one[1] for one in results))

    @property
    def implied_names(self) -> frozenset[str]:
        """The names of the project's methods that Python calls by itself."""
        return frozenset(function.name for function in self.functions.values() if function.is_implied)

    def _subclasses(self) -> dict[str, list[str]]:
        """Class → all classes below it."""
        above = {
            owner: {value[2:] for base in bases for value in self.held(base)[0] if value.startswith("c:")}
            for owner, bases in self._bases.items()
        }
        below: dict[str, list[str]] = {}
        for owner, bases in above.items():
            queue, seen = list(bases), {owner}
            while queue:
                base = queue.pop()
                if base not in seen:
                    seen.add(base)
                    below.setdefault(base, []).append(owner)
                    queue += above.get(base, ())
        return below

    def _above(self, owner: str) -> Iterator[str]:
        """The classes that `super()` in a method of a class may mean: those above it and above what inherits from it."""
        for base, classes in self._below.items():
            if base != owner and (owner in classes or any(one in classes for one in self._below.get(owner, ()))):
                yield base

    def _dispatched(self, owner: str, name: str) -> Held:
        """A member of an object of a class or of one below it; an abstract method has its subclasses' in its place."""
        found = [self.member(one, name, set()) for one in (owner, *self._below.get(owner, ()))]
        if found[0] == PLAIN and all(one == PLAIN for one in found):
            return self._missing(owner)
        direct = frozenset().union(*(one[0] for one in found))
        real = frozenset(
            value for value in direct if not (value.startswith("f:") and self.functions[value[2:]].abstract)
        )
        return real or direct, frozenset().union(*(one[1] for one in found))

    def _missing(self, owner: str) -> Held:
        """What `__getattr__` gives for an attribute that is nowhere."""
        getters = self.member(owner, "__getattr__", set())[0]
        return self._union(("cell", f"{one[2:]}:return") for one in getters if one.startswith("f:"))

    def member(self, owner: str, name: str, seen: set[str]) -> Held:
        if owner in seen:
            return PLAIN
        seen.add(owner)
        if name == "*":
            self._reads.add(f"{owner}.*")
            found = self._union(("cell", cell) for cell in self._members.get(owner, ()))
        else:
            found = self._cell(f"{owner}.{name}")
        if found != PLAIN:
            return found
        for base in self._bases.get(owner, ()):
            for value in self.held(base)[0]:
                if value.startswith("c:"):
                    found = self.member(value[2:], name, seen)
                    if found != PLAIN:
                        return found
        return PLAIN

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, func: Term, args: tuple[Term, ...], keywords: tuple[tuple[str, Term], ...]) -> Held:
        given = [self.held(term) for term in args]
        named = {name: self.held(term) for name, term in keywords}
        callee = self.held(func)
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
                methods = self.attribute(value, "__call__")[0]
                results += [self._apply(inner[2:], given, named, 1) for inner in methods if inner.startswith("f:")]
            elif kind == "x":
                results.append(self._external(rest, given, named))
            else:
                unknown = True
        if unknown:
            receiver = self._receiver(func)
            taken = func is not None and func[0] == "attr" and func[2] in _OF_CONTAINERS
            if taken or not any(value.startswith(("e:", "h:", "p:")) for value in receiver[0]):
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
            return self.held(func[1])  # type: ignore[arg-type]
        parts = [self._receiver(part) for part in func[1:]]  # type: ignore[arg-type]
        return frozenset().union(*(part[0] for part in parts)), frozenset().union(*(part[1] for part in parts))

    def _apply(self, function: str, given: list[Held], named: Mapping[str, Held], skip: int) -> Held:
        """A call of a function of the project: its parameters may hold the arguments."""
        known = self.functions[function]
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
        for inner in self.member(owner, "__init__", set())[0]:
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
        if (
            is_v1(name) or name == _MADE
        ):  # a map, a launch plan, a condition: something, but no callable of the project's
            return frozenset({f"x:{_MADE}"}), NOTHING
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
                for parameter in self.functions[rest].parameters:
                    self._add(f"{rest}:{parameter}", whole)
        return frozenset(values), NOTHING

    def _smashed(self, parts: list[Held]) -> Held:
        """What a function that nobody here has read may give: anything it was given, or what is inside; functions among that it
        may call with any of it."""
        whole = NOTHING.union(*(half for held in parts for half in held))
        return self._followed(whole, self._mixed, whole) if whole else PLAIN

    def _mixed(self, given: Values) -> Held:
        whole = frozenset(value for value in given if value[0] in _FOLLOWED)
        results = set(whole)
        for value in whole:
            if value.startswith("f:"):
                function = value[2:]
                self._hand(function, whole)
                held = self._cell(f"{function}:return")
                results |= held[0] | held[1]
        return frozenset(results), frozenset(results)

    def _hand(self, function: str, values: Values) -> None:
        """A call of a function with any of these values, by code that nobody here has read; itself is not among them."""
        handed = self._handed.setdefault(function, {f"f:{function}"})
        new = values - handed
        if new:
            handed |= new
            known = self.functions[function]
            for parameter in known.parameters[1 if known.method else 0 :]:
                self._add(f"{function}:{parameter}", (new, new))
