"""Values that point to objects: files to save, pictures to look at, the first rows of frames."""

from __future__ import annotations

import asyncio
import json
import posixpath
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from flyteidl2.core import types_pb2

from flyte_bridge.console import text, urls
from flyte_bridge.errors import BadObjectName, NoSuchObject, NotFound, ObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flyteidl2.core import literals_pb2
    from flyteidl2.task import common_pb2

    from flyte_bridge.backend.keys import ActionKey
    from flyte_bridge.backend.storage import Storage

ROWS = 20
"""Rows of a frame that are shown."""

_COLUMNS = 50
_MOST_OBJECTS = 20
"""Objects of one value that have links, and columns and files that are shown."""

_LARGEST_TABLE = 64 * 1024 * 1024
_LARGEST_PICTURE = 20 * 1024 * 1024
"""Bytes that are read to show them; what is larger can be saved."""

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", b"image/png"),
    (b"\xff\xd8\xff", b"image/jpeg"),
    (b"GIF87a", b"image/gif"),
    (b"GIF89a", b"image/gif"),
    (b"RIFF", b"image/webp"),
)
"""How the formats begin that are shown; SVG is not one of them: it can hold scripts."""

_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")


@dataclass(frozen=True)
class Pointed:
    """An object that a value points to.

    Attributes:
        label: What to call it.
        uri: Where it is.
        file, picture, table: Where it is saved, looked at, read; empty where it cannot be.
    """

    label: str
    uri: str
    file: str = ""
    picture: str = ""
    table: str = ""


@dataclass(frozen=True)
class ShownValue:
    """A variable."""

    name: str
    text: str
    objects: Sequence[Pointed] = ()


@dataclass(frozen=True)
class Table:
    """The first rows of a frame.

    Attributes:
        columns: Names and types.
        total: Rows of the file that was read; None if nobody says.
        more: What is not shown.
    """

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[str]]
    total: int | None
    more: str = ""


def shown(key: ActionKey, side: str, value: common_pb2.NamedLiteral) -> ShownValue:
    """A variable with links to what it points to.

    Args:
        key: The action whose it is.
        side: `inputs` or `outputs`.
        value: It.
    """
    objects: list[Pointed] = []
    for path, scalar in _objects(value.value):
        if len(objects) == _MOST_OBJECTS:
            break
        at = json.dumps(path) if path else ""
        link = {way: urls.value_url(key, side, value.name, way, at=at) for way in ("file", "picture", "table")}
        label = ".".join(map(str, path))
        if scalar.HasField("blob"):
            uri = scalar.blob.uri
            is_picture = uri.lower().endswith(_ENDINGS) and not _is_directory(scalar.blob)
            objects.append(Pointed(label, uri, link["file"], link["picture"] if is_picture else ""))
        else:
            uri = scalar.structured_dataset.uri or scalar.schema.uri
            objects.append(Pointed(label, uri, link["file"], table=link["table"]))
    return ShownValue(value.name, text.literal(value.value), objects)


def find(values: Sequence[common_pb2.NamedLiteral], name: str, at: str) -> literals_pb2.Scalar:
    """What a link means.

    Args:
        values: All of its side.
        name: The variable.
        at: The path inside it, as JSON; empty for itself.

    Raises:
        NotFound: There is no such value (any more).
    """
    for value in values:
        if value.name == name:
            for path, scalar in _objects(value.value):
                if (json.dumps(path) if path else "") == at:
                    return scalar
    raise NotFound(f"There is no file or frame {name}{f' at {at[:100]}' if at else ''}.")


def uri_of(scalar: literals_pb2.Scalar) -> str:
    """Where a file, directory or frame is."""
    return str(scalar.blob.uri or scalar.structured_dataset.uri or scalar.schema.uri)


def is_whole(scalar: literals_pb2.Scalar) -> bool:
    """Whether it is one object, as far as its type says."""
    return scalar.HasField("blob") and not _is_directory(scalar.blob)


def name_of(uri: str) -> str:
    """What a browser should call an object."""
    return posixpath.basename(uri.rstrip("/")) or "file"


async def files(storage: Storage, uri: str) -> list[str]:
    """The objects of a directory, itself if it is one.

    Raises:
        NoSuchObject: There are none.
        ObjectError: They cannot be listed.
    """
    listed = await storage.list(uri)
    if listed:
        return listed
    if await storage.exists(uri):
        return [uri]
    raise NoSuchObject(uri)


async def picture(storage: Storage, uri: str) -> tuple[bytes, bytes]:
    """A picture and its media type.

    Raises:
        ObjectError: It cannot be read, is too large, or none that is shown.
    """
    size = (await storage.head(uri)).size
    if size > _LARGEST_PICTURE:
        raise ObjectError(uri, f"{size} bytes are too many to show; save it")
    content = await storage.read(uri)
    for begins, kind in _PICTURES:
        if content.startswith(begins):
            return content, kind
    raise BadObjectName(uri, "no picture that is shown here (PNG, JPEG, GIF, WebP); save it")


async def table(storage: Storage, uri: str, form: str) -> Table:
    """The first rows of a frame.

    Args:
        storage: Where it is.
        uri: A file, or a directory of files.
        form: Its format, as its value says; empty for what its files say.

    Raises:
        ObjectError: It cannot be read; the message says why.
    """
    listed = [file for file in await files(storage, uri) if not name_of(file).startswith((".", "_"))]
    if not listed:
        raise NoSuchObject(uri)
    first = listed[0]
    size = (await storage.head(first)).size
    if size > _LARGEST_TABLE:
        raise ObjectError(first, f"{size} bytes are too many to look into; save it")
    content = await storage.read(first)
    more = f"of the first of {len(listed)} files" if len(listed) > 1 else ""
    read = _csv if form == "csv" or first.endswith(".csv") else _parquet
    try:
        return await asyncio.to_thread(read, content, more)
    except (ValueError, OSError) as error:
        raise ObjectError(first, f"its rows cannot be read: {error}") from error


def _parquet(content: bytes, more: str) -> Table:
    try:
        # of the extra `frames`; the gateway's image has none of it
        parquet, arrow = import_module("pyarrow.parquet"), import_module("pyarrow")
    except ImportError as error:
        raise ValueError(f"{error}; install flyte-bridge[frames] where the console runs") from error
    file = parquet.ParquetFile(arrow.BufferReader(content))
    names = [field.name for field in file.schema_arrow][:_COLUMNS]
    batch = next(file.iter_batches(batch_size=ROWS, columns=names), None)
    columns = [(field.name, str(field.type)) for field in file.schema_arrow][:_COLUMNS]
    rows = [] if batch is None else [[_cell(row[name]) for name in names] for row in batch.to_pylist()]
    return Table(columns, rows, file.metadata.num_rows, more)


def _csv(content: bytes, more: str) -> Table:
    import csv
    import io
    import itertools

    reader = csv.reader(io.StringIO(content.decode("utf-8", "replace")))
    try:
        lines = list(itertools.islice(reader, ROWS + 1))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    head = lines[0][:_COLUMNS] if lines else []
    rows = [[_cell(cell) for cell in line[:_COLUMNS]] for line in lines[1:]]
    return Table([(name, "") for name in head], rows, None, more)


def _cell(value: object) -> str:
    said = "" if value is None else str(value)
    return said if len(said) <= 200 else f"{said[:200]}…"


def _is_directory(blob: literals_pb2.Blob) -> bool:
    return bool(blob.metadata.type.dimensionality == types_pb2.BlobType.MULTIPART)


def _objects(
    value: literals_pb2.Literal, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], literals_pb2.Scalar]]:
    """Everything in a value that points to objects, with its path."""
    kind = value.WhichOneof("value")
    if kind == "scalar":
        scalar = value.scalar
        if scalar.HasField("union"):
            yield from _objects(scalar.union.value, path)
        elif scalar.WhichOneof("value") in {"blob", "structured_dataset", "schema"} and uri_of(scalar):
            yield path, scalar
    elif kind == "collection":
        for index, item in enumerate(value.collection.literals):
            yield from _objects(item, (*path, index))
    elif kind == "map":
        for name, item in sorted(value.map.literals.items()):
            yield from _objects(item, (*path, name))
