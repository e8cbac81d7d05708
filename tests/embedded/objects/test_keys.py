"""Keys: every key has a place under its bucket, and no key has one outside."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flyte_bridge.embedded.objects import ObjectStore, keys
from flyte_bridge.errors import BadObjectName

SEGMENT = st.one_of(
    st.sampled_from(
        ["", ".", "..", "...", "a", "b", "~", "%", "%2E", "%-", "%+", "%=", "\x00", "\n", "\\", "C:", "CON"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.integers(190, 300).map(lambda count: "x" * count),
    st.integers(60, 100).map(lambda count: "€" * count),
)
KEY = st.lists(SEGMENT, min_size=1, max_size=5).map("/".join).filter(lambda key: 0 < len(key.encode()) <= 1024)


@given(KEY)
def test_no_key_leads_out_of_the_bucket(key: str) -> None:
    """Whatever the key, its path's parts are plain names: none is empty, a dot name, a path, or too long."""
    for part in keys.to_parts(key):
        assert part not in {"", ".", ".."}
        assert "/" not in part
        assert "\x00" not in part
        assert len(os.fsencode(part)) + len(keys.BESIDE) <= 255


@given(st.lists(KEY, unique=True, max_size=12))
@settings(max_examples=150, deadline=None)
def test_all_keys_live_side_by_side(some: list[str]) -> None:
    """Any keys can be stored together, each keeps its own bytes, and they are listed in the order of their bytes."""
    with tempfile.TemporaryDirectory() as directory:
        store = ObjectStore(Path(directory) / "objects")
        before = _outside(Path(directory), store.root / "flyte")
        for key in some:
            store.write(f"s3://flyte/{key}", key.encode())
        assert [info.key for info in store.list("s3://flyte/")] == sorted(some, key=str.encode)
        for key in some:
            assert store.read(f"s3://flyte/{key}") == key.encode()
        assert _outside(Path(directory), store.root / "flyte") == before
        for key in some:
            assert store.delete(f"s3://flyte/{key}")
        assert list((store.root / "flyte").iterdir()) == [], "what was made for the objects goes with them"


@given(st.lists(KEY, unique=True, max_size=8), KEY, st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_a_prefix_is_text(some: list[str], other: str, cut: int) -> None:
    """A listing by prefix finds exactly the keys that begin with it, wherever the prefix ends."""
    prefix = other[:cut]
    with tempfile.TemporaryDirectory() as directory:
        store = ObjectStore(Path(directory))
        for key in some:
            store.write(f"s3://flyte/{key}", b"")
        listed = [info.key for info in store.list(f"s3://flyte/{prefix}")]
        assert listed == sorted((key for key in some if key.startswith(prefix)), key=str.encode)


@given(st.lists(KEY, unique=True, max_size=8), KEY)
@settings(max_examples=100, deadline=None)
def test_a_listing_can_begin_anywhere(some: list[str], after: str) -> None:
    """A listing behind a key finds exactly the keys that sort behind it."""
    with tempfile.TemporaryDirectory() as directory:
        store = ObjectStore(Path(directory))
        for key in some:
            store.write(f"s3://flyte/{key}", b"")
        listed = [info.key for info in store.list("s3://flyte/", after=after)]
        assert listed == sorted((key for key in some if key > after), key=str.encode)


def test_ordinary_keys_keep_their_shape() -> None:
    """A bucket can be read with `ls`: nothing ordinary is escaped."""
    assert keys.to_parts("p/development/run-1/a0/1/outputs.pb") == [
        "p",
        "development",
        "run-1",
        "a0",
        "1",
        "outputs.pb",
    ]


@pytest.mark.parametrize("key", ["", "x" * 1025, "é" * 513, "\udcff"])
def test_what_cannot_be_a_key_is_refused(key: str) -> None:
    """A key is 1 to 1,024 bytes of UTF-8."""
    with pytest.raises(BadObjectName):
        keys.to_parts(key)


@pytest.mark.parametrize(
    "bucket", ["", "ab", "Upper", "..", ".tmp", "a..b", "-ab", "ab-", "a/b", "a\nb", "abc\n", "x" * 64]
)
def test_what_cannot_be_a_bucket_is_refused(bucket: str) -> None:
    """A bucket's name follows S3's rules, so it can be none of the store's own directories."""
    with pytest.raises(BadObjectName):
        keys.check_bucket(bucket)


@pytest.mark.parametrize("uri", ["", "/etc/passwd", "file:///etc/passwd", "gs://b/k", "s3:/flyte/k", "s3:///k"])
def test_what_is_no_s3_uri_is_refused(uri: str) -> None:
    """Objects are addressed by s3://bucket/key and nothing else."""
    with pytest.raises(BadObjectName):
        keys.split_uri(uri)


def _outside(directory: Path, bucket: Path) -> set[str]:
    return {str(path) for path in directory.rglob("*") if path.is_file() and bucket not in path.parents}
