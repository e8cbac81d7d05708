"""Objects by URI: in the embedded backend's S3, in files, and where there is nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flyte_bridge import errors
from flyte_bridge.backend.storage import Storage
from flyte_bridge.embedded.executor import backend_env
from flyte_bridge.embedded_client import instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a task of an embedded backend is told about its storage."""
    data_dir = tmp_path_factory.mktemp("storage") / "data"
    running = instance.start(data_dir)
    yield backend_env(running.endpoint, running.access, running.token_file)
    instance.stop(data_dir)


@pytest.mark.parametrize("kind", ["s3", "file", "path"])
def test_an_object_is_written_read_replaced_and_listed(kind: str, s3: dict[str, str], tmp_path: Path) -> None:
    """The same in every store: what was written is read, a prefix is no object, a list is sorted and complete."""
    root = {"s3": f"s3://flyte/{tmp_path.name}", "file": f"file://{tmp_path}", "path": str(tmp_path)}[kind]
    storage = Storage(s3)

    async def main() -> None:
        uris = [f"{root}/a/{number}/outputs.pb" for number in range(12)] + [f"{root}/a b/ü.pb"]
        await asyncio.gather(*(storage.write(uri, uri.encode()) for uri in uris))
        assert await asyncio.gather(*(storage.read(uri) for uri in uris)) == [uri.encode() for uri in uris]
        await storage.write(uris[0], b"")
        assert await storage.read(uris[0]) == b""
        assert await storage.exists(uris[0])
        assert not await storage.exists(f"{root}/a")
        assert not await storage.exists(f"{root}/b")
        assert await storage.list(f"{root}/a/") == sorted(uris[:-1])
        assert await storage.list(root) == sorted(uris)
        assert await storage.list(f"{root}/none") == []
        with pytest.raises(errors.NoSuchObject, match="none"):
            await storage.read(f"{root}/none")

    asyncio.run(main())


def test_a_large_object_is_whole(s3: dict[str, str]) -> None:
    """32 MiB go there and back."""
    storage = Storage(s3)
    data = bytes(range(256)) * (32 * 4096)

    async def main() -> None:
        await storage.write("s3://flyte/large/object", data)
        assert await storage.read("s3://flyte/large/object") == data

    asyncio.run(main())


def test_a_store_that_is_gone_is_an_error_by_its_uri() -> None:
    """Nobody listening: an `ObjectError` that names the URI, once patience is at an end."""
    storage = Storage(backend_env("127.0.0.1:1", None, Path("token")), patience=timedelta(seconds=0.3))

    async def main() -> None:
        for call in (
            storage.read("s3://flyte/x"),
            storage.write("s3://flyte/x", b""),
            storage.exists("s3://flyte/x"),
            storage.list("s3://flyte/x"),
        ):
            with pytest.raises(errors.ObjectError, match="s3://flyte/x"):
                await call

    asyncio.run(main())


def test_what_cannot_be_written_or_is_no_store_is_an_error(tmp_path: Path) -> None:
    """A file where a directory should be, and a scheme nobody knows."""
    (tmp_path / "file").write_text("")
    storage = Storage({})

    async def main() -> None:
        for uri in (f"{tmp_path}/file/below", "nosuch://x/y"):
            with pytest.raises(errors.ObjectError):
                await storage.write(uri, b"")

    asyncio.run(main())
