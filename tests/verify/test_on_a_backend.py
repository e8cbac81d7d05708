"""Verification on the embedded backend: uploads are uploads and tasks are processes, so what local mode hides is seen."""

from pathlib import Path

import pytest

from flyte_bridge.convert.project import convert_files, find
from flyte_bridge.verify.staging import NewText, staged
from flyte_bridge.verify.verdict import Outcome, Verdict
from flyte_bridge.verify.verify import verify
from flyte_bridge_cli.proof import backend

UPLOAD = """
import tempfile
from dataclasses import dataclass

from flytekit import task, workflow
from flytekit.types.file import FlyteFile

@dataclass
class Out:
    file: FlyteFile

@task
def write() -> Out:
    handle = tempfile.NamedTemporaryFile(delete=False)
    handle.write(b"hello")
    return Out(file=FlyteFile(handle.name))

@task
def read(out: Out) -> str:
    with open(out.file) as f:
        return f.read()

@workflow
def flushed_late() -> str:
    return read(out=write())
"""

PLAIN = """
from flytekit import task, workflow
from flytekit.exceptions.user import FlyteRecoverableException
from flytekit.types.file import FlyteFile

@task
def write(text: str) -> FlyteFile:
    with open("out.txt", "w") as f:
        f.write(text)
    return FlyteFile("out.txt")

@task
def read(file: FlyteFile) -> str:
    with open(file) as f:
        return f.read() * 2

@task
def fail(n: int) -> int:
    if n > 1:
        raise FlyteRecoverableException("again")
    return n

@workflow
def files(text: str = "text") -> tuple[FlyteFile, str]:
    file = write(text=text)
    return file, read(file=file)

@workflow
def fails(n: int = 2) -> int:
    return fail(n=n)
"""


def verified(folder: Path, on: str) -> dict[str, Verdict]:
    folder.mkdir()
    (folder / "upload.py").write_text(UPLOAD)
    (folder / "plain.py").write_text(PLAIN)
    changes = []
    for each in convert_files(find([folder])).files:
        assert each.data is not None
        data = each.data
        if each.file.name == "upload":
            assert b"    handle.flush()\n" in data
            data = data.replace(b"    handle.flush()\n", b"")
        changes.append(NewText(each.file.path, each.file.name, data))
    with staged(changes) as pairs, backend(on) as environment:
        return {one.workflow: one for one in verify(pairs, backend=environment)}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    return verified(tmp_path_factory.mktemp("on") / "src", "embedded")


def test_what_is_the_same_is_the_same_there(verdicts: dict[str, Verdict]) -> None:
    """Files go through the store, and an exception keeps its class and message."""
    assert verdicts["plain.files"].outcome is Outcome.SAME, verdicts["plain.files"]
    assert verdicts["plain.fails"].outcome is Outcome.SAME, verdicts["plain.fails"]
    assert "which is RuntimeError in Flyte 2" in verdicts["plain.fails"].reason


def test_an_upload_before_the_flush_is_seen(verdicts: dict[str, Verdict], tmp_path: Path) -> None:
    """A file that is uploaded before it is written out is empty in the store; local mode reads it whole and says SAME."""
    assert verdicts["upload.flushed_late"].outcome is Outcome.DIFFERENT, verdicts["upload.flushed_late"]
    assert verdicts["upload.flushed_late"].reason == "o0: 'hello' became ''"
    assert verified(tmp_path / "src", "local")["upload.flushed_late"].outcome is Outcome.SAME
