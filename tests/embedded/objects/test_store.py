"""The store's Python side: whole objects or none."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from flyte_bridge.embedded.objects import ObjectStore
from flyte_bridge.errors import BadObjectName, NoSuchObject, StoreError

URI = "s3://flyte/a/b"


def test_what_was_written_is_read(store: ObjectStore) -> None:
    """Bytes come back as they went in, with their size, time and headers."""
    written = store.write(URI, b"bytes", content_type="text/plain", headers={"x-amz-meta-k": "v"})
    assert store.read(URI) == b"bytes"
    assert store.info(URI) == written
    assert (written.size, written.content_type, written.headers) == (5, "text/plain", {"x-amz-meta-k": "v"})
    assert store.exists(URI)


def test_an_object_is_a_plain_file(store: ObjectStore) -> None:
    """An object lies under its own name, so a backup or a look needs no tool of ours."""
    store.write(URI, b"bytes")
    assert (store.root / "flyte" / "a" / "b").read_bytes() == b"bytes"


def test_replacing_drops_old_headers(store: ObjectStore) -> None:
    """Headers belong to the bytes they came with, also when the bytes are equal."""
    first = store.write(URI, b"bytes", content_type="text/plain")
    second = store.write(URI, b"bytes")
    assert second.content_type == "binary/octet-stream"
    assert second.etag != first.etag
    assert store.info(URI).content_type == "binary/octet-stream"


def test_an_uncommitted_write_leaves_nothing(store: ObjectStore) -> None:
    """A writer that is not committed leaves the old object and no temporary file."""
    store.write(URI, b"old")
    with store.create(URI) as writer:
        writer.write(b"half of the new")
    assert store.read(URI) == b"old"
    assert list((store.root / ".tmp").iterdir()) == []


def test_a_reader_keeps_what_it_opened(store: ObjectStore) -> None:
    """An object replaced or deleted while it is read is read to its end as it was."""
    store.write(URI, b"old bytes")
    file, _ = store.open(URI)
    with file:
        assert file.read(3) == b"old"
        store.write(URI, b"new")
        assert file.read() == b" bytes"


def test_concurrent_writers_leave_one_whole_object(store: ObjectStore) -> None:
    """Of many writers one wins; what is read is always one of them whole."""
    seen: set[bytes] = set()

    def write(number: int) -> None:
        for _ in range(20):
            store.write(URI, bytes([number]) * 10_000)
            seen.add(store.read(URI))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen <= {bytes([number]) * 10_000 for number in range(8)}


def test_names_come_and_go_as_file_and_directory(store: ObjectStore) -> None:
    """`a` and `a/b` can be stored, replaced and deleted in any order, at the same time."""

    def churn(key: str) -> None:
        for number in range(200):
            store.write(f"s3://flyte/{key}", str(number).encode())
            assert store.read(f"s3://flyte/{key}") == str(number).encode()
            store.delete(f"s3://flyte/{key}")
        store.write(f"s3://flyte/{key}", b"last")

    errors: list[BaseException] = []

    def guarded(key: str) -> None:
        try:
            churn(key)
        except BaseException as error:
            errors.append(error)

    some = ["a", "a/b", "a/b/c", "a/", "a//"]
    threads = [threading.Thread(target=guarded, args=(key,)) for key in some]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert [info.key for info in store.list("s3://flyte/")] == sorted(some)


def test_a_copy_keeps_headers(store: ObjectStore) -> None:
    """A copy has the source's bytes, content type and headers, and its own time."""
    store.write(URI, b"bytes" * 100_000, content_type="text/plain", headers={"x-amz-meta-k": "v"})
    copy = store.copy(URI, "s3://flyte/c")
    assert store.read("s3://flyte/c") == b"bytes" * 100_000
    assert (copy.content_type, copy.headers) == ("text/plain", {"x-amz-meta-k": "v"})


def test_what_is_not_there_is_said_by_name(store: ObjectStore) -> None:
    """A missing object is NoSuchObject with its URI, and so is a missing bucket."""
    with pytest.raises(NoSuchObject, match="s3://flyte/a/b"):
        store.read(URI)
    with pytest.raises(NoSuchObject, match="s3://other"):
        store.write("s3://other/a", b"")
    assert not store.exists("s3://other/a")
    assert not store.delete(URI)


def test_a_directory_is_no_object(store: ObjectStore) -> None:
    """The prefix of an object is no object itself."""
    store.write(URI, b"bytes")
    assert not store.exists("s3://flyte/a")
    assert not store.delete("s3://flyte/a")
    assert store.exists(URI)


def test_symbolic_links_lead_nowhere(store: ObjectStore, tmp_path: Path) -> None:
    """Neither a linked file nor anything under a linked directory can be read, listed, written or deleted."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (store.root / "flyte" / "link").symlink_to(outside)
    (store.root / "flyte" / "file").symlink_to(outside / "secret")
    assert not store.exists("s3://flyte/link/secret")
    assert not store.exists("s3://flyte/file")
    assert list(store.list("s3://flyte/")) == []
    assert list(store.list("s3://flyte/link/")) == []
    assert not store.delete("s3://flyte/link/secret")
    with pytest.raises(BadObjectName):
        store.write("s3://flyte/link/new", b"")
    with pytest.raises(BadObjectName):
        store.write("s3://flyte/link/deeper/new", b"")
    store.write("s3://flyte/file", b"mine")
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


def test_a_restart_forgets_half_writes(store: ObjectStore) -> None:
    """A killed process's temporary files are gone with the next start, its objects are there."""
    store.write(URI, b"bytes", content_type="text/plain")
    (store.root / ".tmp" / "half").write_bytes(b"half")
    again = ObjectStore(store.root)
    assert list((again.root / ".tmp").iterdir()) == []
    assert again.read(URI) == b"bytes"
    assert again.info(URI).content_type == "text/plain"


def test_a_directory_that_cannot_be_is_said_so(tmp_path: Path) -> None:
    """A data directory that cannot be made is a StoreError that names it."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="file/objects"):
        ObjectStore(tmp_path / "file" / "objects")


def test_a_full_disk_refuses_and_keeps_the_old(tmp_path: Path) -> None:
    """When the disk takes no more, the write is refused with advice; the old object, and no half one, is there.

    The process's file size limit stands for the disk: the kernel refuses the write in its middle just so (EFBIG).
    """
    script = textwrap.dedent(
        """
        import resource, signal, sys
        from pathlib import Path
        from flyte_bridge.embedded.objects import ObjectStore
        from flyte_bridge.errors import StoreFull
        store = ObjectStore(Path(sys.argv[1]))
        store.write("s3://flyte/k", b"old")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        try:
            store.write("s3://flyte/k", b"x" * (2 << 20))
        except StoreFull as error:
            print(error)
        assert store.read("s3://flyte/k") == b"old"
        assert list((store.root / ".tmp").iterdir()) == []
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, env=_environment()
    )
    assert done.returncode == 0, done.stderr
    assert "s3://flyte/k: not stored, the disk is full" in done.stdout
    assert "free some space" in done.stdout


def _environment() -> dict[str, str]:
    import flyte_bridge

    return {**os.environ, "PYTHONPATH": str(Path(flyte_bridge.__file__).parents[1])}
