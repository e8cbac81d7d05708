"""s3fs, which flytekit stores with, and obstore, which the flyte SDK stores with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Served

MIB = 1 << 20


@pytest.fixture
def s3(served: Served) -> Iterator[Any]:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    return s3fs.S3FileSystem(key=KEYS[0], secret=KEYS[1], endpoint_url=served.url, skip_instance_cache=True)


@pytest.fixture
def bucket(served: Served) -> Any:
    from obstore.store import S3Store

    return S3Store(
        "flyte",
        endpoint=served.url,
        access_key_id=KEYS[0],
        secret_access_key=KEYS[1],
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )


def test_s3fs_files(s3: Any) -> None:
    """s3fs writes, reads, lists, copies, moves and removes files."""
    s3.pipe("s3://flyte/d/x", b"abc")
    with s3.open("s3://flyte/d/y", "wb") as file:
        file.write(b"z" * (11 * MIB))
    assert s3.cat("s3://flyte/d/x") == b"abc"
    assert s3.info("s3://flyte/d/y")["size"] == 11 * MIB
    with s3.open("s3://flyte/d/y", "rb") as file:
        file.seek(10 * MIB)
        assert file.read() == b"z" * MIB
    assert s3.ls("s3://flyte/d") == ["flyte/d/x", "flyte/d/y"]
    s3.cp("s3://flyte/d/x", "s3://flyte/e/x")
    s3.mv("s3://flyte/d/y", "s3://flyte/e/y")
    assert s3.find("s3://flyte") == ["flyte/d/x", "flyte/e/x", "flyte/e/y"]
    assert s3.isdir("s3://flyte/e")
    assert not s3.exists("s3://flyte/d/y")
    s3.rm("s3://flyte/e", recursive=True)
    assert s3.find("s3://flyte") == ["flyte/d/x"]
    with pytest.raises(FileNotFoundError):
        s3.cat("s3://flyte/nothing")


def test_s3fs_directories(s3: Any, tmp_path: Path) -> None:
    """s3fs uploads and downloads trees, empty files and odd names included."""
    tree = {"a.txt": b"a", "sub/b +%ä.txt": b"b", "sub/deep/empty": b""}
    for name, data in tree.items():
        (tmp_path / "up" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "up" / name).write_bytes(data)
    s3.put(str(tmp_path / "up") + "/", "s3://flyte/tree/", recursive=True)
    s3.get("s3://flyte/tree/", str(tmp_path / "down") + "/", recursive=True)
    back = {
        str(path.relative_to(tmp_path / "down")): path.read_bytes()
        for path in (tmp_path / "down").rglob("*")
        if path.is_file()
    }
    assert back == tree


def test_obstore(bucket: Any) -> None:
    """obstore writes in one and in parts, reads whole and ranges, lists, copies, renames and deletes."""
    import obstore

    data = os.urandom(12 * MIB)
    obstore.put(bucket, "q/1", b"12345")
    obstore.put(bucket, "q/2", data, chunk_size=5 * MIB)
    obstore.put(bucket, "q/empty", b"")
    assert bytes(obstore.get(bucket, "q/2").bytes()) == data
    assert bytes(obstore.get(bucket, "q/empty").bytes()) == b""
    assert bytes(obstore.get_range(bucket, "q/1", start=1, end=3)) == b"23"
    assert [bytes(each) for each in obstore.get_ranges(bucket, "q/2", starts=[0, 9 * MIB], lengths=[3, 3])] == [
        data[:3],
        data[9 * MIB : 9 * MIB + 3],
    ]
    assert [each["path"] for each in obstore.list(bucket).collect()] == ["q/1", "q/2", "q/empty"]
    assert obstore.list_with_delimiter(bucket)["common_prefixes"] == ["q"]
    obstore.copy(bucket, "q/1", "q/3")
    obstore.rename(bucket, "q/3", "r/4")
    obstore.delete(bucket, ["q/1", "q/2", "q/empty"])
    assert [each["path"] for each in obstore.list(bucket).collect()] == ["r/4"]
    with pytest.raises(FileNotFoundError):
        obstore.get(bucket, "q/1")


def test_obstore_creates_once(bucket: Any) -> None:
    """obstore's create mode is refused where something is, and its writer streams."""
    import obstore

    obstore.put(bucket, "k", b"1", mode="create")
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(bucket, "k", b"2", mode="create")
    with obstore.open_writer(bucket, "w", buffer_size=5 * MIB) as writer:
        for _ in range(3):
            writer.write(b"w" * (4 * MIB))
    assert obstore.head(bucket, "w")["size"] == 12 * MIB


async def _read(store: Any) -> bytes:
    import obstore

    return bytes(await (await obstore.get_async(store, "k")).bytes_async())


def test_many_at_once(bucket: Any) -> None:
    """A hundred reads at once are all answered."""
    import asyncio

    import obstore

    obstore.put(bucket, "k", b"k" * MIB)

    async def read_all() -> set[int]:
        return {len(each) for each in await asyncio.gather(*(_read(bucket) for _ in range(100)))}

    assert asyncio.run(read_all()) == {MIB}
