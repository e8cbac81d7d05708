"""Object storage by URL.

`s3`, `gs` and `az`/`abfs` go through obstore, as in the Flyte 2 SDK: an import of 15 ms rather than the 800 of s3fs, and
requests that cost a tenth of its CPU time. Everything else goes through fsspec, in threads.

Where the S3 is, and its keys, is told as Flyte tells its tasks (`FLYTE_AWS_ENDPOINT`, `FLYTE_AWS_ACCESS_KEY_ID`,
`FLYTE_AWS_SECRET_ACCESS_KEY`, `FLYTE_AWS_S3_ADDRESSING_STYLE`), else found by the cloud's own rules.
"""

from __future__ import annotations

import asyncio
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from flyte_bridge.backend.urls import open_http
from flyte_bridge.errors import BadObjectName, NoSuchObject, ObjectError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

R = TypeVar("R")

_CLOUDS = {"s3", "s3a", "gs", "az", "abfs", "abfss", "azure"}
"""Schemes that obstore knows."""

_MD5 = re.compile(r"[0-9a-f]{32}")

_BLOCK = 8 * 1024 * 1024
"""Bytes of a large object that are read at once."""

_THREADS = 16
"""How much fsspec does at once."""

_PATIENCE = timedelta(seconds=90)
"""How long a request is tried again while the store does not answer, or answers 5xx."""


@dataclass(frozen=True)
class ObjectHead:
    """What is known of an object without reading it.

    Attributes:
        size: In bytes.
        md5: Of its content, where the store tells it: S3's ETag of what was uploaded in one part.
    """

    size: int
    md5: str | None = None


class Storage:
    """Whole objects by URI. Small ones: all of an object is in memory."""

    def __init__(self, environ: Mapping[str, str] = os.environ, *, patience: timedelta = _PATIENCE) -> None:
        """Nothing is connected yet.

        Args:
            environ: Where S3's place and keys are looked for.
            patience: How long requests are tried again while a store does not answer.
        """
        self._environ = environ
        self._patience = patience
        self._stores: dict[str, Any] = {}
        self._threads: ThreadPoolExecutor | None = None

    async def read(self, uri: str) -> bytes:
        """An object.

        Raises:
            NoSuchObject: There is none.
            ObjectError: It cannot be read; the message says why.
        """
        if (cloud := self._cloud(uri)) is not None:
            store, key = cloud
            found = await _told(uri, store.get_async(key))
            return bytes(await _told(uri, found.bytes_async()))
        return await self._local(uri, lambda fs, path: bytes(fs.cat_file(path)))

    async def write(self, uri: str, data: bytes) -> None:
        """Writes an object, whole or not at all; one that is there is replaced.

        Raises:
            ObjectError: It cannot be written; the message says why.
        """
        if (cloud := self._cloud(uri)) is not None:
            store, key = cloud
            await _told(uri, store.put_async(key, data))
            return

        def write(fs: Any, path: str) -> None:
            fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            temporary = f"{path}.{os.getpid()}.{id(data):x}"
            fs.pipe_file(temporary, data)
            fs.mv(temporary, path)

        await self._local(uri, write)

    async def exists(self, uri: str) -> bool:
        """Whether there is such an object; a prefix of others is none.

        Raises:
            ObjectError: It cannot be told; the message says why.
        """
        if (cloud := self._cloud(uri)) is not None:
            store, key = cloud
            try:
                await _told(uri, store.head_async(key))
            except NoSuchObject:
                return False
            return True
        return await self._local(uri, lambda fs, path: bool(fs.isfile(path)))

    async def head(self, uri: str) -> ObjectHead:
        """An object's size, and its checksum where the store has one.

        Raises:
            NoSuchObject: There is none; a prefix of others is none.
            ObjectError: It cannot be told; the message says why.
        """
        if (cloud := self._cloud(uri)) is not None:
            store, key = cloud
            told = await _told(uri, store.head_async(key))
            tag = str(told.get("e_tag") or "").strip('"')
            return ObjectHead(int(told["size"]), tag if _MD5.fullmatch(tag) else None)

        def size(fs: Any, path: str) -> int:
            if not fs.isfile(path):
                raise FileNotFoundError(path)
            return int(fs.size(path))

        return ObjectHead(await self._local(uri, size))

    async def blocks(self, uri: str) -> AsyncIterator[bytes]:
        """An object's content in pieces, for what is too large to be held as a whole.

        Raises:
            NoSuchObject: There is none.
            ObjectError: It cannot be read; the message says why.
        """
        if (cloud := self._cloud(uri)) is not None:
            store, key = cloud
            stream = (await _told(uri, store.get_async(key))).stream(min_chunk_size=_BLOCK)
            async for block in _batches(uri, stream):
                yield bytes(block)
            return

        def read(start: int) -> Callable[[Any, str], bytes]:
            return lambda fs, path: bytes(fs.cat_file(path, start, start + _BLOCK))

        start = 0
        while block := await self._local(uri, read(start)):
            yield block
            start += len(block)

    async def list(self, uri: str) -> list[str]:
        """The URIs of all objects under a prefix that ends at a slash, sorted.

        Raises:
            ObjectError: It cannot be told; the message says why.
        """
        base = uri.rstrip("/")
        if (cloud := self._cloud(base)) is not None:
            store, key = cloud
            root = base.removesuffix(key)
            found: list[str] = []
            async for batch in _batches(uri, store.list(f"{key}/" if key else None)):
                found += [f"{root}{entry['path']}" for entry in batch]
            return sorted(found)

        def walk(fs: Any, path: str) -> list[str]:
            return sorted(f"{base}{entry[len(path.rstrip('/')) :]}" for entry in fs.find(path))

        return await self._local(base, walk)

    async def sign(self, uri: str, life: timedelta) -> str:
        """A URL to GET an object from, which needs no credentials.

        Args:
            uri: The object's; it need not exist.
            life: How long the URL is good for.

        Raises:
            BadObjectName: It is in no object store that signs URLs.
            ObjectError: It cannot be signed: there are no credentials for that store.
        """
        cloud = self._cloud(uri)
        if cloud is None or not cloud[1]:
            signing = ", ".join(sorted(_CLOUDS))
            raise BadObjectName(uri, f"no object whose store signs URLs; give one of these: {signing}")
        from obstore import sign_async

        store, key = cloud
        return str(await _told(uri, sign_async(store, "GET", key, life)))

    async def make_bucket(self, uri: str) -> None:
        """Makes the bucket of an object in S3; obstore cannot, but signs the request.

        Raises:
            ObjectError: It cannot be made, or is there.
        """
        from urllib.error import HTTPError
        from urllib.request import Request

        from obstore import sign_async

        cloud = self._cloud(uri)
        if cloud is None or not uri.startswith("s3"):
            raise BadObjectName(uri, "buckets are made in S3 only")
        url = str(await _told(uri, sign_async(cloud[0], "PUT", "", timedelta(minutes=1))))

        def put() -> None:
            with open_http(Request(url, method="PUT"), 60):
                pass

        try:
            await asyncio.to_thread(put)
        except HTTPError as error:
            raise ObjectError(uri, f"its bucket cannot be made: HTTP {error.code} {error.reason}") from None
        except OSError as error:
            raise ObjectError(uri, f"its bucket cannot be made: {error}") from None

    def _cloud(self, uri: str) -> tuple[Any, str] | None:
        """The store and the key of an object in a cloud."""
        scheme, _, rest = uri.partition("://")
        if scheme not in _CLOUDS or not rest:
            return None
        bucket, _, key = rest.partition("/")
        root = f"{scheme}://{bucket}"
        if root not in self._stores:
            self._stores[root] = self._open(root)
        return self._stores[root], key

    def _open(self, root: str) -> Any:
        from obstore import store

        open_url: Any = store.from_url  # its overloads want literal dictionaries of each cloud
        # obstore (0.9) waits 15 s between two tries at most; it is the time that ends them
        retries = {"max_retries": 1000, "retry_timeout": self._patience}
        options = {"allow_http": True, "timeout": timedelta(minutes=10)}
        if not root.startswith("s3"):
            return open_url(root, client_options=options, retry_config=retries)
        told = {
            "endpoint": self._environ.get("FLYTE_AWS_ENDPOINT") or self._environ.get("AWS_ENDPOINT_URL"),
            "access_key_id": self._environ.get("FLYTE_AWS_ACCESS_KEY_ID") or self._environ.get("AWS_ACCESS_KEY_ID"),
            "secret_access_key": self._environ.get("FLYTE_AWS_SECRET_ACCESS_KEY")
            or self._environ.get("AWS_SECRET_ACCESS_KEY"),
            "region": self._environ.get("AWS_REGION") or self._environ.get("AWS_DEFAULT_REGION"),
        }
        config: dict[str, Any] = {name: value for name, value in told.items() if value}
        if style := self._environ.get("FLYTE_AWS_S3_ADDRESSING_STYLE"):
            config["virtual_hosted_style_request"] = style == "virtual"
        return open_url(root, config=config, client_options=options, retry_config=retries)

    async def _local(self, uri: str, act: Callable[[Any, str], R]) -> R:
        def work() -> R:
            import fsspec

            fs, path = fsspec.core.url_to_fs(uri)
            return act(fs, path)

        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        told: R = await _told(uri, asyncio.get_running_loop().run_in_executor(self._threads, work))
        return told


async def _told(uri: str, doing: Any) -> Any:
    """Awaits it, and tells its failures in our words."""
    try:
        return await doing
    except FileNotFoundError:
        raise NoSuchObject(uri) from None
    except (OSError, ValueError, ImportError) as error:
        raise _failure(uri, error) from error
    except Exception as error:  # obstore's own are no OSErrors
        if not type(error).__module__.startswith("obstore"):
            raise
        raise _failure(uri, error) from error


async def _batches(uri: str, listing: Any) -> Any:
    iterator = listing.__aiter__()
    while True:
        try:
            batch = await _told(uri, iterator.__anext__())
        except StopAsyncIteration:
            return
        yield batch


def _failure(uri: str, error: Exception) -> ObjectError:
    said = str(error).strip().splitlines()
    return ObjectError(uri, f"{type(error).__name__}: {said[0] if said else 'no reason given'}")
