"""What lies in stores, read for a comparison: references of two plain forms become files, directories and frames.

Two sides are read together, so that what has the same size and checksum on both is not read at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import BackendError, NoSuchObject
from . import canonical, literals

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from ..backend.storage import ObjectHead

Plain = Any

AT_ONCE = 16
"""Objects that are read at once."""

_SAME = {"kind": "same"}
"""Stands on both sides for what need not be read."""


class ReadableObjects(Protocol):
    """A side's store; `backend.storage.Storage` is one."""

    async def read(self, uri: str) -> bytes:
        """An object."""
        ...

    async def head(self, uri: str) -> ObjectHead:
        """Its size and checksum."""
        ...

    def blocks(self, uri: str) -> AsyncIterator[bytes]:
        """Its content in pieces."""
        ...

    async def list(self, uri: str) -> list[str]:
        """The URIs under a prefix."""
        ...


@dataclass(frozen=True)
class _Side:
    store: ReadableObjects
    reference: Plain

    @property
    def uri(self) -> str:
        return str(self.reference["uri"])


class Contents:
    """Reads references of both sides."""

    def __init__(self, left: ReadableObjects, right: ReadableObjects) -> None:
        """Reads nothing yet."""
        self._stores = (left, right)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def pair(self, left: Plain, right: Plain) -> tuple[Plain, Plain]:
        """Two plain forms with their references read.

        What cannot be read stays in its place as `{"kind": "unreadable", "value": why}`.
        """
        if _refers(left) and _refers(right):
            return await self._references(left, right)
        if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
            pairs = await self._all(left, right)
            return [one for one, _ in pairs], [other for _, other in pairs]
        if (
            _is_dict(left)
            and _is_dict(right)
            and [key for key, _ in left["items"]] == [key for key, _ in right["items"]]
        ):
            keys = [key for key, _ in left["items"]]
            pairs = await self._all([item for _, item in left["items"]], [item for _, item in right["items"]])
            return tuple(  # type: ignore[return-value]  # two of them
                {"kind": "dict", "items": [[key, pair[side]] for key, pair in zip(keys, pairs, strict=True)]}
                for side in (0, 1)
            )
        one, other = await asyncio.gather(self._alone(left, 0), self._alone(right, 1))
        return one, other

    async def _all(self, left: list[Plain], right: list[Plain]) -> list[tuple[Plain, Plain]]:
        if not any(map(holds_reference, left)) and not any(map(holds_reference, right)):
            return list(zip(left, right, strict=True))
        return list(await asyncio.gather(*(self.pair(*pair) for pair in zip(left, right, strict=True))))

    async def _alone(self, value: Plain, side: int) -> Plain:
        """A form whose other side has another shape."""
        if _refers(value):
            return await self._guarded(_Side(self._stores[side], value))
        if isinstance(value, list):
            return [await self._alone(item, side) for item in value]
        if _is_dict(value):
            return {"kind": "dict", "items": [[key, await self._alone(item, side)] for key, item in value["items"]]}
        return value

    async def _references(self, left: Plain, right: Plain) -> tuple[Plain, Plain]:
        sides = _Side(self._stores[0], left), _Side(self._stores[1], right)
        if left["form"] == right["form"] == "literal":
            one, other = [await self._guarded(side) for side in sides]
            return await self.pair(one, other)
        if left["form"] == right["form"] and await self._same(*sides):
            return _SAME, _SAME
        one, other = await asyncio.gather(*(self._guarded(side) for side in sides))
        if isinstance(one, str) != isinstance(
            other, str
        ):  # a text names an object on one side: it is gone on the other
            one, other = (_gone(read) if isinstance(read, str) else read for read in (one, other))
        return one, other

    async def _same(self, left: _Side, right: _Side) -> bool:
        """Whether two references are the same by names, sizes and checksums; False when that cannot be told."""
        try:
            one, other = await asyncio.gather(self._heads(left), self._heads(right))
        except BackendError:
            return False
        return bool(one) and one == other and all(head.md5 is not None for head in one.values())

    async def _heads(self, side: _Side) -> dict[str, ObjectHead]:
        """The objects of a reference; the only one of a file is called by no name."""
        if side.reference["form"] in ("directory", "frame"):
            names = await self._names(side)
            if names or side.reference["form"] == "directory":
                heads = await asyncio.gather(*(self._head(side.store, uri) for uri in names.values()))
                return dict(zip(names, heads, strict=True))
        return {"": await self._head(side.store, side.uri)}

    async def _head(self, store: ReadableObjects, uri: str) -> ObjectHead:
        async with self._slots:
            return await store.head(uri)

    async def _guarded(self, side: _Side) -> Plain:
        try:
            return await self._read(side)
        except BackendError as error:
            return {"kind": "unreadable", "value": str(error)}
        except ImportError as error:
            return {
                "kind": "unreadable",
                "value": f"{side.uri}: {error}; pip install 'flyte-bridge[frames]' reads frames",
            }
        except (ValueError, OSError, RuntimeError) as error:  # what is no Parquet, CSV, or literal
            return {"kind": "unreadable", "value": f"{side.uri}: {type(error).__name__}: {error}"}

    async def _read(self, side: _Side) -> Plain:
        match side.reference["form"]:
            case "literal":
                return await self._literal(side)
            case "directory":
                return await self._directory(side)
            case "frame":
                return await self._frame(side)
            case "uri":
                return await self._text(side)
            case "pickle":
                return (await self._file(side.store, side.uri)) | {"kind": "pickle"}
        return await self._file(side.store, side.uri)

    async def _literal(self, side: _Side) -> Plain:
        from flyteidl.core import literals_pb2
        from google.protobuf.message import DecodeError

        async with self._slots:
            data = await side.store.read(side.uri)
        try:
            return literals.plain(literals_pb2.Literal.FromString(data))
        except DecodeError as error:
            raise ValueError(f"no literal: {error}") from None

    async def _file(self, store: ReadableObjects, uri: str) -> dict[str, Plain]:
        async with self._slots:
            head = await store.head(uri)
            if head.size <= canonical.WHOLE:
                data = await store.read(uri)
                return dict(await asyncio.to_thread(canonical.content, data))
            state = hashlib.sha256()
            async for block in store.blocks(uri):
                await asyncio.to_thread(state.update, block)  # hashing lets go of the interpreter
            return dict(canonical.large(head.size, state.hexdigest()))

    async def _directory(self, side: _Side) -> Plain:
        names = await self._names(side)
        files = await asyncio.gather(*(self._file(side.store, uri) for uri in names.values()))
        return {"kind": "directory", "files": dict(zip(names, files, strict=True))}

    async def _names(self, side: _Side) -> dict[str, str]:
        """The objects below a directory by their names relative to it."""
        base = side.uri.rstrip("/") + "/"
        async with self._slots:
            return {uri.removeprefix(base): uri for uri in sorted(await side.store.list(base))}

    async def _frame(self, side: _Side) -> Plain:
        names = await self._names(side)
        if not names:  # a frame that is a file
            names = {posixpath.basename(side.uri): side.uri}
        form = side.reference["format"] or posixpath.splitext(next(iter(names)))[1].removeprefix(".")
        reader = _READERS.get(form)
        tables = [uri for name, uri in names.items() if not posixpath.basename(name).startswith(("_", "."))]
        if reader is None:
            return await self._directory(side)
        async with self._slots:
            data = [await side.store.read(uri) for uri in tables]
        return await asyncio.to_thread(_table, data, reader)

    async def _text(self, side: _Side) -> Plain:
        """What a text that looks like an object's URI names: a file, a directory, or nothing but itself."""
        try:
            return await self._file(side.store, side.uri)
        except NoSuchObject:
            pass
        except BackendError:
            return side.uri
        directory = await self._directory(side)
        return directory if directory["files"] else side.uri


def _table(data: list[bytes], reader: Callable[[io.BytesIO], Any]) -> Plain:
    import pyarrow as pa

    tables = [reader(io.BytesIO(part)) for part in data]
    return canonical.Canonical().of(pa.concat_tables(tables, promote_options="default") if tables else pa.table({}))


def _parquet(source: io.BytesIO) -> Any:
    from pyarrow import parquet

    return parquet.read_table(source)


def _csv(source: io.BytesIO) -> Any:
    from pyarrow import csv

    return csv.read_csv(source)


_READERS: dict[str, Callable[[io.BytesIO], Any]] = {"": _parquet, "parquet": _parquet, "csv": _csv}
"""By the format of a structured dataset; empty is what flytekit writes as Parquet."""


def _gone(uri: str) -> Plain:
    return {"kind": "unreadable", "value": str(NoSuchObject(uri))}


def _refers(value: Plain) -> bool:
    return isinstance(value, dict) and value.get("kind") == "reference"


def _is_dict(value: Plain) -> bool:
    return isinstance(value, dict) and value.get("kind") == "dict"


def holds_reference(value: Plain) -> bool:
    """Whether something of a plain form lies in a store."""
    if isinstance(value, list):
        return any(map(holds_reference, value))
    if _is_dict(value):
        return any(holds_reference(item) for _, item in value["items"])
    return _refers(value)
