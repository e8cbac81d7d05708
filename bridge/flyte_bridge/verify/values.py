"""Plain (JSON or YAML) values to Python values of an annotated type, and plain values made up for a type.

One plain spelling serves every source of inputs and both sides: numbers and strings as they are, times in ISO 8601,
durations in seconds, an enum by value or name, a dataclass as its fields, a file or directory as its path, a frame as
a path (`.parquet`, `.csv`, `.json`) or as its columns. `{"$file": text, "suffix": ".csv"}` is a file to be made.
"""

from __future__ import annotations

import base64
import collections.abc
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import re
import tempfile
import types
import typing
import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

Plain = Any

Special = Callable[[Any, Any], Any]
"""Given a plain value and a type: the value of an SDK's own type, or `NotImplemented` when it is not one."""

_DURATION = re.compile(
    r"^(?:(?P<days>[\d.]+)d)?(?:(?P<hours>[\d.]+)h)?(?:(?P<minutes>[\d.]+)m)?(?:(?P<seconds>[\d.]+)s)?$"
)


class NoValue(Exception):
    """Raised when a type says too little to make a value up, or a plain value does not fit its type."""


class PlainReader:
    """Plain values to Python values.

    Args:
        special: What the SDK's own types are made of.
        base: Relative paths are relative to this directory.
        scratch: Files to be made are made here.
    """

    def __init__(self, special: Special, base: pathlib.Path, scratch: pathlib.Path) -> None:
        self._special = special
        self._base = base
        self._scratch = scratch

    def read(self, plain: Plain, hint: Any) -> Any:
        """The value of the type that a plain value spells.

        Raises:
            NoValue: When it spells none.
        """
        if get_origin(hint) is Annotated:
            made = self._special(plain, hint)
            return self.read(plain, get_args(hint)[0]) if made is NotImplemented else made
        if _optional(hint) and plain is None:
            return None
        if get_origin(hint) in (Union, types.UnionType):
            return self._union(plain, hint)
        made = self._special(plain, hint)
        if made is not NotImplemented:
            return made
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return _enum(plain, hint)
        if get_origin(hint) is Literal or hint in (Any, object, None, type(None)) or isinstance(hint, typing.TypeVar):
            return plain
        if (maker := _SCALARS.get(hint)) is not None:
            return _made(maker, plain, hint)
        return self._container(plain, hint)

    def path(self, plain: Plain) -> pathlib.Path:
        """The path a plain value names, or that of the file it describes."""
        if isinstance(plain, Mapping) and "$file" in plain:
            folder = pathlib.Path(tempfile.mkdtemp(dir=self._scratch))
            made = folder / f"input{plain.get('suffix', '.txt')}"
            made.write_text(plain["$file"])
            return folder if plain.get("directory") else made
        if isinstance(plain, str):
            return self._base / pathlib.Path(plain).expanduser()
        raise NoValue(f"{plain!r} is no path")

    def frame(self, plain: Plain) -> Any:
        """The pandas frame a plain value spells."""
        import pandas as pd

        if isinstance(plain, Mapping) and "$file" not in plain:
            return pd.DataFrame(dict(plain))
        if isinstance(plain, list):
            return pd.DataFrame(plain)
        path = self.path(plain)
        readers: dict[str, Callable[[Any], Any]] = {".csv": pd.read_csv, ".json": pd.read_json}
        return readers.get(path.suffix, pd.read_parquet)(path)

    def _union(self, plain: Plain, hint: Any) -> Any:
        options = [option for option in get_args(hint) if option is not type(None)]
        # the exact type first: 1 is an int before it is a float, and "1" is a str before it is anything else
        options.sort(key=lambda option: type(plain) is not option)
        failures = []
        for option in options:
            try:
                return self.read(plain, option)
            except (NoValue, TypeError, ValueError) as error:  # noqa: PERF203 - the loop is the choice between them
                failures.append(str(error))
        raise NoValue(f"{plain!r} fits none of {hint}: {'; '.join(failures)}")

    def _container(self, plain: Plain, hint: Any) -> Any:
        origin, args = get_origin(hint) or hint, get_args(hint)
        if origin in (list, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Iterator):
            item = args[0] if args else Any
            return [self.read(one, item) for one in _listed(plain, hint)]
        if origin in (set, frozenset):
            return origin(self.read(one, args[0] if args else Any) for one in _listed(plain, hint))
        if origin is tuple:
            listed = _listed(plain, hint)
            hints = [args[0]] * len(listed) if len(args) == 2 and args[1] is Ellipsis else args or [Any] * len(listed)
            return tuple(self.read(one, item) for one, item in zip(listed, hints, strict=True))
        if origin in (dict, collections.abc.Mapping):
            if not isinstance(plain, Mapping):
                raise NoValue(f"{plain!r} is no mapping, {hint} wants one")
            key, item = args if len(args) == 2 else (Any, Any)
            return {self.read(k, key): self.read(v, item) for k, v in plain.items()}
        if isinstance(hint, type):
            return self._object(plain, hint)
        raise NoValue(f"no rule makes a {hint} of {plain!r}")

    def _object(self, plain: Plain, hint: type) -> Any:
        if _is_frame(hint):
            return self.frame(plain)
        if hint.__module__.partition(".")[0] == "numpy":
            import numpy as np

            return np.asarray(plain)
        if hasattr(hint, "model_validate"):
            return hint.model_validate(plain)
        if dataclasses.is_dataclass(hint):
            if not isinstance(plain, Mapping):
                raise NoValue(f"{plain!r} is no mapping of the fields of {hint.__name__}")
            hints = typing.get_type_hints(hint, include_extras=True)
            unknown = sorted(set(plain) - set(hints))
            if unknown:
                raise NoValue(f"{hint.__name__} has no field {', '.join(unknown)}; it has {', '.join(hints)}")
            return hint(**{name: self.read(item, hints[name]) for name, item in plain.items()})
        if isinstance(plain, hint):
            return plain
        raise NoValue(f"no rule makes a {hint.__name__} of {plain!r}")


def generate(hint: Any, special: Callable[[Any], Plain]) -> Plain:
    """A plain value made up for a type: small, positive, the same every time.

    Args:
        hint: The type.
        special: The plain value for an SDK's own type, or `NotImplemented`.

    Raises:
        NoValue: When the type says too little.
    """
    made = special(hint)
    if made is not NotImplemented:
        return made
    if get_origin(hint) is Annotated:
        return generate(get_args(hint)[0], special)
    if get_origin(hint) in (Union, types.UnionType):
        return generate(next(option for option in get_args(hint) if option is not type(None)), special)
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint)).value
    if hint in _MADE_UP:
        return _MADE_UP[hint]
    origin, args = get_origin(hint) or hint, get_args(hint)
    if origin in (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable) and args:
        first = generate(args[0], special)
        return [first] if origin in (set, frozenset) else _several(first)
    if origin is tuple and args:
        return [generate(item, special) for item in args if item is not Ellipsis]
    if origin in (dict, collections.abc.Mapping) and len(args) == 2:
        return {generate(args[0], special): generate(args[1], special)}
    if origin is dict:
        return {"a": 1}
    if isinstance(hint, type) and _is_frame(hint):
        return {"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]}
    if isinstance(hint, type) and hint.__module__ == "numpy" and hint.__name__ == "ndarray":
        return [1.0, 2.0, 3.0]
    if isinstance(hint, type) and (fields := _required(hint)) is not None:
        return {name: generate(field, special) for name, field in fields.items()}
    raise NoValue(f"no value can be made up for {_spell(hint)}")


def _several(first: Plain) -> list[Plain]:
    """Three elements that differ where a type lets them, so that an order or an index is seen."""
    if isinstance(first, int | float) and not isinstance(first, bool):
        return [first, first + 1, first + 2]
    return [first, first]


def _required(hint: type) -> dict[str, Any] | None:
    """The fields of a record that have no default."""
    if hasattr(hint, "model_fields"):
        return {name: field.annotation for name, field in hint.model_fields.items() if field.is_required()}
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        nothing = dataclasses.MISSING
        needed = [
            f for f in dataclasses.fields(hint) if f.init and f.default is nothing and f.default_factory is nothing
        ]
        return {field.name: hints[field.name] for field in needed}
    return None


def _optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _is_frame(hint: type) -> bool:
    return hint.__module__.partition(".")[0] == "pandas" and hint.__name__ == "DataFrame"


def _spell(hint: Any) -> str:
    return getattr(hint, "__name__", None) or str(hint)


def _listed(plain: Plain, hint: Any) -> list[Plain]:
    if isinstance(plain, list | tuple):
        return list(plain)
    raise NoValue(f"{plain!r} is no list, {_spell(hint)} wants one")


def _enum(plain: Plain, hint: type[enum.Enum]) -> enum.Enum:
    for member in hint:
        if member.value == plain:
            return member
    if isinstance(plain, str) and plain in hint.__members__:
        return hint[plain]
    raise NoValue(f"{hint.__name__} has no member {plain!r}; it has {', '.join(hint.__members__)}")


def _made(maker: Callable[[Any], Any], plain: Plain, hint: Any) -> Any:
    try:
        return maker(plain)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise NoValue(f"{plain!r} is no {_spell(hint)}: {error}") from None


def _int(plain: Plain) -> int:
    if isinstance(plain, bool) or (isinstance(plain, float) and not plain.is_integer()):
        raise TypeError("an integer is wanted")
    return int(plain)


def _float(plain: Plain) -> float:
    if isinstance(plain, bool):
        raise TypeError("a number is wanted")
    return float(plain)


def _bool(plain: Plain) -> bool:
    if isinstance(plain, bool):
        return plain
    raise TypeError("true or false is wanted")


def _str(plain: Plain) -> str:
    if isinstance(plain, str):
        return plain
    raise TypeError("a text is wanted")


def _datetime(plain: Plain) -> dt.datetime:
    if isinstance(plain, dt.datetime):
        return plain
    if isinstance(plain, dt.date):
        return dt.datetime(plain.year, plain.month, plain.day)
    # Python 3.10 does not read the Z
    return dt.datetime.fromisoformat(plain.replace("Z", "+00:00"))


def _date(plain: Plain) -> dt.date:
    return plain if isinstance(plain, dt.date) else dt.date.fromisoformat(plain)


def duration(plain: Plain) -> dt.timedelta:
    """A duration: seconds, or a text such as `1d2h30m`.

    Raises:
        ValueError: It is none.
    """
    if isinstance(plain, int | float) and not isinstance(plain, bool):
        return dt.timedelta(seconds=plain)
    if isinstance(plain, str) and plain and (match := _DURATION.match(plain)):
        return dt.timedelta(**{unit: float(amount) for unit, amount in match.groupdict().items() if amount})
    raise ValueError("seconds, or a duration such as 1d2h30m, are wanted")


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    bytes: base64.b64decode,
    complex: complex,
    dt.datetime: _datetime,
    dt.date: _date,
    dt.time: dt.time.fromisoformat,
    dt.timedelta: duration,
    decimal.Decimal: lambda plain: decimal.Decimal(str(plain)),
    uuid.UUID: uuid.UUID,
}

_MADE_UP: dict[Any, Plain] = {
    bool: True,
    int: 3,
    float: 0.5,
    str: "text",
    bytes: base64.b64encode(b"bytes").decode(),
    dt.datetime: "2024-01-02T03:04:05+00:00",
    dt.date: "2024-01-02",
    dt.timedelta: 3600,
    decimal.Decimal: "1.5",
}
