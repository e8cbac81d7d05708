"""Literals by value, and what they refer to by content."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import math
from typing import TYPE_CHECKING, Any

import msgpack
import pandas as pd
import pyarrow as pa
import pytest
from flyteidl.core import literals_pb2, types_pb2
from pyarrow import parquet

from flyte_bridge.backend.storage import ObjectHead, Storage
from flyte_bridge.verify import canonical
from flyte_bridge.verify.compare import Difference, compare
from flyte_bridge.verify.contents import Contents
from flyte_bridge.verify.literals import plain
from flyte_bridge.verify.rules import OutputRule

if TYPE_CHECKING:
    from pathlib import Path

L = literals_pb2


def scalar(**value: Any) -> L.Literal:
    return L.Literal(scalar=L.Scalar(**value))


def primitive(**value: Any) -> L.Literal:
    return scalar(primitive=L.Primitive(**value))


def packed(value: Any) -> L.Literal:
    return scalar(binary=L.Binary(value=msgpack.packb(value), tag="msgpack"))


def generic(value: dict[str, Any]) -> L.Literal:
    literal = scalar()
    literal.scalar.generic.update(value)
    return literal


def blob(uri: object, *, many: bool = False, form: str = "") -> L.Literal:
    kind = types_pb2.BlobType(format=form, dimensionality=types_pb2.BlobType.MULTIPART if many else 0)
    return scalar(blob=L.Blob(uri=str(uri), metadata=L.BlobMetadata(type=kind)))


def frame(uri: object, form: str = "parquet") -> L.Literal:
    kind = types_pb2.StructuredDatasetType(format=form)
    metadata = L.StructuredDatasetMetadata(structured_dataset_type=kind)
    return scalar(structured_dataset=L.StructuredDataset(uri=str(uri), metadata=metadata))


class Watched(Storage):
    """Counts what is read, and has checksums as an object store has them."""

    def __init__(self, checksums: bool = True) -> None:
        super().__init__({})
        self.reads: list[str] = []
        self.checksums = checksums

    async def head(self, uri: str) -> ObjectHead:
        head = await super().head(uri)
        md5 = hashlib.md5(await super().read(uri)).hexdigest() if self.checksums else None
        return ObjectHead(head.size, md5)

    async def read(self, uri: str) -> bytes:
        self.reads.append(uri)
        return await super().read(uri)


def differences(
    left: L.Literal, right: L.Literal, *stores: Storage, rule: OutputRule | None = None
) -> list[Difference]:
    first, second = stores or (Storage({}), Storage({}))

    async def read() -> tuple[Any, Any]:
        return await Contents(first, second).pair(plain(left), plain(right))

    return compare(*asyncio.run(read()), path="o0", rule=rule)


def what(left: L.Literal, right: L.Literal, *stores: Storage) -> list[tuple[str, str]]:
    return [(one.path, one.what) for one in differences(left, right, *stores)]


def test_values_are_read_from_their_messages() -> None:
    """Primitives, unions and none by value; a bool is no number; a datetime by its instant."""
    union = scalar(union=L.Union(value=primitive(integer=3), type=types_pb2.LiteralType(simple=1)))
    assert what(union, primitive(float_value=3.0)) == []
    assert what(primitive(boolean=True), primitive(integer=1)) == [("o0", "kind")]
    at = primitive()
    at.scalar.primitive.datetime.FromDatetime(dt.datetime(2024, 1, 2))
    assert plain(at) == canonical.Canonical().of(dt.datetime(2024, 1, 2, tzinfo=dt.timezone.utc))
    assert plain(scalar(none_type=L.Void())) is None


def test_a_struct_and_msgpack_say_the_same() -> None:
    """A dataclass is compared by its fields, whichever way it travels: 1 equals 1.0, nan equals nan, without order."""
    value = {"n": 1, "x": math.nan, "in": [{"b": None, "a": "t"}]}
    assert what(packed(value), generic(value)) == []
    assert what(packed(value), packed(dict(reversed(value.items())))) == []
    assert what(packed(value), packed({**value, "n": 2})) == [('o0["n"]', "value")]


def test_bytes_of_no_message_are_compared_as_they_are() -> None:
    """A binary that is not msgpack counts by its bytes."""
    left, right = (scalar(binary=L.Binary(value=data, tag="own")) for data in (b"a", b"b"))
    assert what(left, left) == []
    assert what(left, right) == [("o0", "value")]


def test_files_by_content(tmp_path: Path) -> None:
    """Where a file lies makes no difference, what is in it does, as a diff when it is text."""
    for name, text in (("a", "1\n2\n"), ("b", "1\n2\n"), ("c", "1\n3\n")):
        (tmp_path / name).write_text(text)
    assert what(blob(tmp_path / "a"), blob(tmp_path / "b")) == []
    [found] = differences(blob(tmp_path / "a"), blob(tmp_path / "c"))
    assert "-2\n+3" in found.detail


def test_a_large_file_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file above the limit is hashed block by block."""
    monkeypatch.setattr(canonical, "WHOLE", 10)
    (tmp_path / "a").write_bytes(b"x" * 100)
    (tmp_path / "b").write_bytes(b"x" * 99 + b"y")
    store = Watched(checksums=False)
    assert what(blob(tmp_path / "a"), blob(tmp_path / "a"), store, store) == []
    assert what(blob(tmp_path / "a"), blob(tmp_path / "b"), store, store) == [("o0", "value")]
    assert store.reads == []


def test_equal_checksums_are_enough(tmp_path: Path) -> None:
    """What has one size and checksum on both sides is not read."""
    for side in ("a", "b"):
        (tmp_path / side / "in").mkdir(parents=True)
        (tmp_path / side / "in" / "f").write_text("same")
    store = Watched()
    assert what(blob(tmp_path / "a", many=True), blob(tmp_path / "b", many=True), store, store) == []
    assert what(blob(tmp_path / "a/in/f"), blob(tmp_path / "b/in/f"), store, store) == []
    assert store.reads == []


def test_directories_by_their_files(tmp_path: Path) -> None:
    """A directory is its files by relative name."""
    for name in ("a/x", "a/in/y", "b/x", "b/z"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("t")
    found = what(blob(tmp_path / "a", many=True), blob(tmp_path / "b", many=True))
    assert found == [("o0['in/y']", "missing"), ("o0['z']", "extra")]


def test_frames_by_rows(tmp_path: Path) -> None:
    """A frame is its columns and rows, however they are cut into files and compressed."""
    table = pa.table({"id": [1, 2, 3], "v": [0.5, 1.5, 2.5]})
    for name, parts, options in (
        ("a", [table], {"compression": "snappy"}),
        ("b", [table.slice(0, 1), table.slice(1)], {"compression": "zstd"}),
        ("c", [table.slice(0, 2)], {}),
    ):
        (tmp_path / name).mkdir()
        for number, part in enumerate(parts):
            parquet.write_table(part, tmp_path / name / f"{number:05}", **options)
    assert what(frame(tmp_path / "a"), frame(tmp_path / "b")) == []
    assert what(frame(tmp_path / "a"), frame(tmp_path / "c")) == [("o0.rows", "value")]
    pd.DataFrame({"id": [3, 1, 2], "v": [2.5, 0.5, 1.5]}).to_csv(tmp_path / "d.csv", index=False)
    assert differences(frame(tmp_path / "a"), frame(tmp_path / "d.csv", "csv"), rule=OutputRule(keys=("id",))) == []


def test_pickles_with_other_bytes_decide_nothing(tmp_path: Path) -> None:
    """Equal bytes of a pickle are equal values; other bytes may be."""
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    left, right = (blob(tmp_path / name, form="PythonPickle") for name in "ab")
    assert what(left, left) == []
    assert what(left, right) == [("o0", "undecided")]


def test_what_is_gone_decides_nothing(tmp_path: Path) -> None:
    """A file that is gone from its store is told, on either side."""
    (tmp_path / "a").write_text("t")
    there, gone = blob(tmp_path / "a"), blob(tmp_path / "gone")
    for left, right in ((there, gone), (gone, there), (gone, gone)):
        [found] = differences(left, right)
        assert found.what == "undecided"
        assert "no such object" in found.detail


def test_an_offloaded_literal_is_fetched(tmp_path: Path) -> None:
    """A literal that was too large for its message is compared by its value."""
    (tmp_path / "o").write_bytes(packed([1, 2]).SerializeToString())
    assert what(L.Literal(offloaded_metadata=L.LiteralOffloadedMetadata(uri=str(tmp_path / "o"))), packed([1, 2])) == []


class Bucket(Storage):
    """A store of its own behind `s3://`."""

    def __init__(self, root: Path) -> None:
        super().__init__({})
        self.root = root

    def _cloud(self, uri: str) -> None:
        return None

    async def _local(self, uri: str, act: Any) -> Any:
        return await super()._local(str(self.root / uri.removeprefix("s3://")), act)


def test_uris_inside_values(tmp_path: Path) -> None:
    """A text that names an object, in a dataclass or alone, counts by the object; one that names none is a text."""
    for side, text in (("a", "same"), ("b", "same"), ("c", "other")):
        (tmp_path / side / "bucket").mkdir(parents=True)
        (tmp_path / side / "bucket" / f"{side}.txt").write_text(text)
    a, b, c = (Bucket(tmp_path / side) for side in "abc")
    named = {side: packed({"path": f"s3://bucket/{side}.txt"}) for side in "abc"}
    assert what(named["a"], named["b"], a, b) == []
    assert what(named["a"], named["c"], a, c) == [('o0["path"]', "value")]
    assert what(named["a"], packed({"path": "s3://bucket/gone.txt"}), a, b) == [('o0["path"]', "undecided")]
    text = primitive(string_value="s3://bucket/none")
    assert what(text, text, a, b) == []
    assert what(text, primitive(string_value="s3://bucket/nope"), a, b) == [("o0", "value")]
