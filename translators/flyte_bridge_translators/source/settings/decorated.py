"""The functions of a file that Flyte 1's decorators make tasks and workflows, with what the decorators say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from flyte_bridge_translators.source.engine import arguments
from flyte_bridge_translators.source.engine.entities import DECORATORS, HOUSE, Kind, entity_decorator
from flyte_bridge_translators.source.engine.house_decorators import DecoratorValue, decorator_values
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code

ACTOR = ("replica_count", "ttl_seconds", "parallelism")
"""Parameters of union's `ActorEnvironment` that say how containers are kept."""

Settings = dict[str, cst.BaseExpression]


@dataclass(frozen=True)
class Decorated:
    """A function with a Flyte 1 decorator at module level.

    Attributes:
        function: The function.
        decorator: The decorator that makes an entity of it.
        kind: What it makes.
        settings: The decorator's parameters, those of its `flytekit.Environment` included.
        stars: `**kwargs` among them.
        base: The variable of its `flytekit.Environment`, if it has one.
        own: The parameters of the decorator itself.
    """

    function: cst.FunctionDef
    decorator: cst.Decorator
    kind: Kind
    settings: Settings
    stars: tuple[cst.Arg, ...] = ()
    base: str | None = None
    own: Settings = field(default_factory=dict)


def decorated(module: Module) -> Iterator[Decorated]:
    """Every function at module level that is a task or a workflow."""
    for function in module.functions:
        found = entity_decorator(module, function)
        if found is None or not module.is_top_level(function) or found[1] is Kind.REFERENCE:
            continue
        decorator, kind, name = found
        if name == HOUSE:
            continue
        given = arguments.read(decorator.decorator)
        own = dict(given.named)
        base = None
        inherited: Settings = {}
        if name == "flytekit.Environment":
            expression = decorator.decorator
            target = expression.func if isinstance(expression, cst.Call) else expression
            if isinstance(target, cst.Attribute) and isinstance(target.value, cst.Name):
                base = target.value.value
                inherited = declared(module, base)
        yield Decorated(function, decorator, kind, overlaid(inherited, own), given.stars, base, own)


@dataclass(frozen=True)
class Valued:
    """A Flyte 1 decorator that is used as a value: see `house_decorators`.

    Attributes:
        value: Where it stands.
        kind: What it makes.
        settings: What it is given.
        stars: `**kwargs` among them.
    """

    value: DecoratorValue
    kind: Kind
    settings: Settings
    stars: tuple[cst.Arg, ...]


def valued(module: Module) -> Iterator[Valued]:
    """Every Flyte 1 decorator of a file that is used as a value."""
    for value in decorator_values(module):
        settings = {one.keyword.value: one.value for one in value.settings if one.keyword is not None}
        stars = tuple(one for one in value.settings if one.keyword is None)
        yield Valued(value, DECORATORS[value.maker], settings, stars)


def declared(module: Module, variable: str) -> Settings:
    """The parameters of a `flytekit.Environment` of this file, those it extends included."""
    value = module.definition(variable)
    if not isinstance(value, cst.Call):
        return {}
    own = dict(arguments.read(value).named)
    if (
        isinstance(value.func, cst.Attribute)
        and value.func.attr.value == "extend"
        and isinstance(value.func.value, cst.Name)
    ):
        return overlaid(declared(module, value.func.value.value), own)
    return own


def overlaid(under: Mapping[str, cst.BaseExpression], over: Mapping[str, cst.BaseExpression]) -> Settings:
    """Settings over others; dictionaries are merged, as Flyte 1's `Environment` does."""
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        if isinstance(below, cst.Dict) and isinstance(value, cst.Dict):
            keys = {code(element.key) for element in value.elements if isinstance(element, cst.DictElement)}
            kept = [
                element
                for element in below.elements
                if not (isinstance(element, cst.DictElement) and code(element.key) in keys)
            ]
            texts = [
                code(element.with_changes(comma=cst.MaybeSentinel.DEFAULT)) for element in (*kept, *value.elements)
            ]
            merged[name] = parsed("{" + ", ".join(texts) + "}")
        else:
            merged[name] = value
    return merged


def unique(wanted: Sequence[str], used: set[str]) -> str:
    """The first wanted name that is free, or the last one with a number; taken from then on."""
    for name in wanted:
        if name not in used and name.isidentifier():
            used.add(name)
            return name
    number = 2
    while f"{wanted[-1]}_{number}" in used:
        number += 1
    used.add(f"{wanted[-1]}_{number}")
    return f"{wanted[-1]}_{number}"
