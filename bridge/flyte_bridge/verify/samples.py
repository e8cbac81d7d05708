"""Plain values drawn for a type, edge values among them: what the workflow's own example does not show.

Drawn by a seeded generator, so the same workflow gets the same rows on every machine. Numbers stay small: many workflows loop as
often as an input says.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime as dt
import enum
import random
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from flyte_bridge.verify.values import generate

Plain = Any

EDGES: dict[Any, tuple[Plain, ...]] = {
    bool: (True, False),
    int: (0, 1, -1, 2, 10, 255, -1000),
    float: (0.0, -0.0, 1.0, -1.5, 1e-9, 1e9, 0.1 + 0.2, float("inf"), float("nan")),
    str: ("", " ", "a", "0", "None", "ä€😀", "two\nlines", "quoted '\"\\", "long " * 60),
    dt.datetime: (
        "1970-01-01T00:00:00+00:00",
        "2024-02-29T23:59:59.999999+00:00",
        "2024-06-30T12:00:00+05:30",
        "2100-01-01T00:00:00+00:00",
    ),
    dt.date: ("1970-01-01", "2024-02-29", "2100-12-31"),
    dt.timedelta: (0, 0.000001, 1, -60, 34_560_000),
}
"""What is drawn from, by type."""

LONGEST = 4
"""Elements of a drawn collection."""


def sample(hint: Any, special: Callable[[Any], Plain], draw: random.Random) -> Plain:
    """A plain value of a type, drawn.

    Args:
        hint: The type.
        special: The plain value for an SDK's own type, or `NotImplemented`: such a value is the same in every row.
        draw: Where chance comes from.

    Raises:
        NoValue: When the type says too little.
    """
    if get_origin(hint) is Annotated:
        made = special(hint)
        return sample(get_args(hint)[0], special, draw) if made is NotImplemented else made
    origin, args = get_origin(hint) or hint, get_args(hint)
    if hint in EDGES:
        return draw.choice(EDGES[hint])
    if origin in (Union, types.UnionType):
        option = draw.choice(args)
        return None if option is type(None) else sample(option, special, draw)
    if origin is Literal:
        return draw.choice(args)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return draw.choice(list(hint)).value
    if origin in (list, collections.abc.Sequence, collections.abc.Iterable) and args:
        return [sample(args[0], special, draw) for _ in range(draw.randrange(LONGEST))]
    if origin is tuple and args:
        return [sample(item, special, draw) for item in args if item is not Ellipsis]
    if origin in (dict, collections.abc.Mapping) and len(args) == 2 and args[0] is str:
        return {key: sample(args[1], special, draw) for key in draw.sample(EDGES[str], draw.randrange(LONGEST))}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        fields = [field for field in dataclasses.fields(hint) if field.init]
        return {field.name: sample(hints[field.name], special, draw) for field in fields}
    return generate(hint, special)
