"""A Python value in a plain, JSON-able form that another process can compare with its own.

Scalars stand for themselves; everything else is a mapping with the key `kind`. Sequences of any type are lists, so a
NamedTuple and the plain tuple Flyte 2 makes of it are equal. Files and directories are their content, frames their
columns, dtypes and values in order. What no rule covers is taken apart by its attributes, else by its pickle, else by
its `repr`, and `how` says which.

No SDK is imported: what `FlyteFile` or `flyte.io.File` hold is told by the runner's hook.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import gzip
import hashlib
import io
import json
import math
import pathlib
import pickle
import re
import types
import uuid
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

Plain = Any
"""A JSON-able value."""

Hook = Callable[[Any, "Canonical"], "Plain | None"]
"""Given a value and the walk it is met in: its plain form, or None when the hook does not know it."""

CELLS = 500_000
"""Arrays and frame columns with more cells than this travel as a digest of their values, rounded to 9 digits."""

TEXT_BYTES = 64 * 1024
"""Text files up to this size travel with their text, so that a difference can be shown as a diff."""

WHOLE = 16 * 1024 * 1024
"""Files up to this size (bytes) are read as a whole, and looked into when they are packed."""

DEPTH = 40
"""Attributes of unknown objects are followed this deep."""

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class Canonical:
    """One walk over one value.

    Args:
        hook: What the SDK's own types become.
    """

    def __init__(self, hook: Hook | None = None) -> None:
        self._hook = hook
        self._above: list[int] = []

    def of(self, value: Any) -> Plain:
        """The plain form of a value."""
        if value is None or (isinstance(value, bool | str) and type(value) in (bool, str)):
            return value
        if type(value) is int:
            return value
        if type(value) is float:
            return _float(value)
        if id(value) in self._above or len(self._above) > DEPTH:
            return {"kind": "cycle"}
        self._above.append(id(value))
        try:
            return self._compound(value)
        finally:
            self._above.pop()

    def _compound(self, value: Any) -> Plain:
        if self._hook is not None and (told := self._hook(value, self)) is not None:
            return told
        if isinstance(value, enum.Enum):
            return {"kind": "enum", "value": self.of(value.value)}
        if (scalar := _scalar(value)) is not None:
            return scalar
        if (table := _frame(value, self)) is not None:
            return table
        if (array := _array(value, self)) is not None:
            return array
        if isinstance(value, Mapping):
            pairs = [[self.of(key), self.of(item)] for key, item in value.items()]
            return {"kind": "dict", "items": sorted(pairs, key=lambda pair: _key(pair[0]))}
        if isinstance(value, set | frozenset):
            return {"kind": "set", "items": sorted((self.of(item) for item in value), key=_key)}
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if (fields := _fields(value)) is not None:
            return {"kind": "record", "fields": {name: self.of(item) for name, item in fields.items()}}
        if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType):
            return {"kind": "symbol", "name": getattr(value, "__qualname__", value.__name__)}
        if isinstance(value, str):
            return str(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return _float(float(value))
        return self._unknown(value)

    def _unknown(self, value: Any) -> Plain:
        name = type(value).__qualname__
        attributes = getattr(value, "__dict__", None)
        if attributes:
            items = {str(key): self.of(item) for key, item in attributes.items()}
            return {"kind": "object", "type": name, "how": "attributes", "fields": items}
        try:
            digest = hashlib.sha256(pickle.dumps(value, protocol=4)).hexdigest()
        except Exception:  # anything may go wrong in a user's __reduce__
            return {"kind": "object", "type": name, "how": "repr", "value": _ADDRESS.sub("", repr(value))}
        return {"kind": "object", "type": name, "how": "pickle", "value": digest}


def _float(value: float) -> Plain:
    # JSON has no nan and no infinities; Python's own spelling of them is not portable
    return value if math.isfinite(value) else {"kind": "float", "value": repr(value)}


def _key(plain: Plain) -> str:
    return json.dumps(plain, sort_keys=True)


def _scalar(value: Any) -> Plain:
    if isinstance(value, dt.datetime):
        # both SDKs read a naive time as UTC when they store it
        aware = value.replace(tzinfo=dt.timezone.utc) if value.tzinfo is None else value.astimezone(dt.timezone.utc)
        return {"kind": "datetime", "value": aware.isoformat()}
    if isinstance(value, dt.date | dt.time):
        return {"kind": type(value).__name__, "value": value.isoformat()}
    if isinstance(value, dt.timedelta):
        return {"kind": "timedelta", "value": value // dt.timedelta(microseconds=1)}
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        plain = {"kind": "bytes", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return plain | ({"head": base64.b64encode(data[:32]).decode()} if data else {})
    if isinstance(value, complex):
        return {"kind": "complex", "parts": [_float(value.real), _float(value.imag)]}
    if isinstance(value, decimal.Decimal | uuid.UUID | pathlib.PurePath | range | slice):
        return {"kind": type(value).__name__.removeprefix("Posix").removeprefix("Pure"), "value": str(value)}
    return None


def _fields(value: Any) -> dict[str, Any] | None:
    """The fields of a dataclass, a pydantic model or an attrs class."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    declared = getattr(type(value), "model_fields", None)
    if isinstance(declared, Mapping) and hasattr(value, "model_dump"):
        return {name: getattr(value, name) for name in declared}
    attrs = getattr(type(value), "__attrs_attrs__", None)
    if attrs is not None:
        return {field.name: getattr(value, field.name) for field in attrs}
    return None


def _package(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _array(value: Any, walk: Canonical) -> Plain:
    package = _package(value)
    if package == "torch" and hasattr(value, "detach"):
        tensor = value.detach().cpu()
        kept = tensor.float() if "bfloat16" in str(tensor.dtype) else tensor
        return _numbers(kept.numpy(), str(value.dtype).removeprefix("torch."), walk)
    if package == "numpy":
        if hasattr(value, "tolist") and getattr(value, "ndim", None) == 0:
            return walk.of(value.item())
        if hasattr(value, "tolist"):
            return _numbers(value, str(value.dtype), walk)
    return None


def _numbers(array: Any, dtype: str, walk: Canonical) -> Plain:
    plain: dict[str, Plain] = {"kind": "array", "dtype": _dtype(dtype), "shape": list(array.shape)}
    values = array.ravel().tolist()
    return plain | ({"digest": _digest(values)} if len(values) > CELLS else {"values": walk.of(values)})


def _digest(values: list[Any]) -> str:
    state = hashlib.sha256()
    for item in values:
        state.update((f"{item:.9g}" if isinstance(item, float) else repr(item)).encode() + b"\0")
    return state.hexdigest()


def _dtype(name: str) -> str:
    """The dtype's meaning: how text is held and how fine a clock ticks are the storage's affair."""
    if name in ("object", "str", "string", "large_string") or name.startswith(("string[", "<U", "Utf8", "String")):
        return "text"
    for clock in ("datetime64", "timedelta64", "timestamp", "duration"):
        if name.startswith(clock):
            zone = name.partition(",")[2].strip(" ]")
            return f"{clock} {zone}".strip()
    return _SAME_DTYPE.get(name, name.lower())


_SAME_DTYPE = {"double": "float64", "float": "float32", "halffloat": "float16", "boolean": "bool", "Boolean": "bool"}
"""Arrow's, polars' and pandas' names of numpy's types, where more than the case differs."""


def _frame(value: Any, walk: Canonical) -> Plain:
    package, name = _package(value), type(value).__name__
    if package == "pandas":
        if name == "DataFrame":
            return _pandas(value, walk)
        if name == "Series":
            return _pandas(value.to_frame(), walk)
        if name == "Timestamp":
            return None if value != value else _scalar(value.to_pydatetime())  # noqa: PLR0124 - NaT is not itself
        if hasattr(value, "to_frame") and hasattr(value, "names"):
            return _pandas(value.to_frame(index=False), walk)
        if name in ("NAType", "NaTType"):
            return {"kind": "missing"}
        if name.endswith("Array") and hasattr(value, "tolist"):
            return walk.of(value.tolist())
        return None
    if package == "polars" and name in ("DataFrame", "LazyFrame"):
        table = value.collect() if name == "LazyFrame" else value
        dtypes = [str(item) for item in table.dtypes]
        return _table(list(table.columns), dtypes, [table[column].to_list() for column in table.columns], walk)
    if package == "pyarrow" and name in ("Table", "RecordBatch"):
        dtypes = [str(field.type) for field in value.schema]
        return _table(list(value.schema.names), dtypes, [column.to_pylist() for column in value.columns], walk)
    return None


def _pandas(frame: Any, walk: Canonical) -> Plain:
    columns = [frame.iloc[:, position] for position in range(frame.shape[1])]
    names = [walk.of(name) for name in frame.columns]
    plain = _table(names, [str(column.dtype) for column in columns], [column.tolist() for column in columns], walk)
    if type(frame.index).__name__ != "RangeIndex" and list(frame.index) != list(range(len(frame))):
        plain["index"] = walk.of([_missing(item) for item in frame.index.tolist()])
    return plain


def _missing(item: Any) -> Any:
    """A cell; None, NaN, NaT and NA all say that there is no value."""
    if item is None or (_package(item) == "pandas" and type(item).__name__ in ("NAType", "NaTType")):
        return math.nan
    return item


def _table(names: list[Any], dtypes: list[str], columns: list[list[Any]], walk: Canonical) -> dict[str, Plain]:
    columns = [[_missing(item) for item in column] for column in columns]
    rows = len(columns[0]) if columns else 0
    plain: dict[str, Plain] = {"kind": "frame", "columns": names, "rows": rows, "dtypes": [_dtype(d) for d in dtypes]}
    if rows * len(columns) > CELLS:
        return plain | {"digests": [_digest(column) for column in columns]}
    return plain | {"values": [walk.of(column) for column in columns]}


def file(path: str | pathlib.Path) -> Plain:
    """A file by its content; see `content`."""
    where = pathlib.Path(path)
    size = where.stat().st_size
    if size <= WHOLE:
        return content(where.read_bytes())
    state = hashlib.sha256()
    with where.open("rb") as source:
        while block := source.read(1 << 20):
            state.update(block)
    return large(size, state.hexdigest())


def large(size: int, sha256: str) -> Plain:
    """A file that is too large (above `WHOLE`) for anybody to look into it."""
    return {"kind": "file", "size": size, "sha256": sha256}


def content(data: bytes) -> Plain:
    """What a file holds. Of a gzip and a zip the content is what is in it: both carry the time of writing."""
    plain = large(len(data), hashlib.sha256(data).hexdigest())
    if data[:2] == b"\x1f\x8b":
        return _inside(plain, lambda: {"": gzip.decompress(data)})
    if data[:4] == b"PK\x03\x04":
        return _inside(plain, lambda: _members(data))
    return plain | _text(data)


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _inside(plain: dict[str, Plain], unpack: Callable[[], dict[str, bytes]]) -> Plain:
    try:
        members = unpack()
    except (OSError, EOFError, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        return plain  # looks packed and is not, or is encrypted: the bytes decide
    items = {
        name: {"kind": "file", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()} | _text(data)
        for name, data in sorted(members.items())
    }
    return {"kind": "packed", "members": items}


def _text(data: bytes) -> dict[str, Plain]:
    if len(data) > TEXT_BYTES or b"\0" in data:
        return {}
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {}


def directory(path: str | pathlib.Path) -> Plain:
    """A directory by the content of its files, under their relative paths."""
    root = pathlib.Path(path)
    files = sorted(item for item in root.rglob("*") if item.is_file())
    return {"kind": "directory", "files": {item.relative_to(root).as_posix(): file(item) for item in files}}
