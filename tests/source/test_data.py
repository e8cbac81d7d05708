"""What the data translators make of small pieces of Flyte 1, fact by fact."""

from textwrap import dedent

import pytest

from flyte_bridge.convert.converter import convert_source
from flyte_bridge_translators.source.engine.translator import Converted

HEAD = """\
import os
from pathlib import Path
from typing import Dict, List, Optional, Tuple
import flytekit
import pandas as pd
from flytekit import *
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile
"""


def converted(body: str) -> str:
    """The body of a file after conversion: what follows the definition of its environment."""
    outcome = convert_source(HEAD + dedent(body), path="case.py", name="case")
    assert isinstance(outcome, Converted), outcome
    return outcome.text


def codes(body: str) -> list[str]:
    outcome = convert_source(HEAD + dedent(body), path="case.py", name="case")
    return [finding.code for finding in outcome.findings if finding.code.startswith("FB4")]


def task(parameters: str, body: str, returns: str = "str") -> str:
    lines = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
    return f"@task\ndef t({parameters}) -> {returns}:\n{lines}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("open(f)", "open(f.download_sync())"),
        ('open(f, "rb", buffering=0)', 'open(f.download_sync(), "rb", buffering=0)'),
        ("f.download()", "f.download_sync()"),
        ("os.fspath(f)", "f.download_sync()"),
        ("str(f)", "f.download_sync()"),
        ("f.path", "f.download_sync()"),
        ("f.remote_source", "f.path"),
        ("pd.read_csv(f)", "pd.read_csv(f.download_sync())"),
        ("Path(f).parent", "Path(f.download_sync()).parent"),
        ("os.path.basename(f.path)", "os.path.basename(f.path)"),
        ("Path(f.path).suffix", "Path(f.path).suffix"),
        ('f"{f}"', 'f"{f.path}"'),
        ("print(f)", "print(f.path)"),
        ("isinstance(f, FlyteFile)", "isinstance(f, File)"),
        ("f is None", "f is None"),
        ('f.open("rb")', 'f.open_sync("rb")'),
    ],
)
def test_use_of_a_file(before: str, after: str) -> None:
    """A file is a path where Flyte 1's was one, and a reference everywhere else."""
    assert f"    x = {after}\n" in converted(task("f: FlyteFile", f"x = {before}\nreturn x"))


def test_used_twice() -> None:
    """A parameter that is read twice is downloaded once."""
    text = converted(task("f: FlyteFile", "a = open(f)\nb = open(f)\nreturn a"))
    assert text.count("f.download_sync()") == 1
    assert "    f_path = f.download_sync()\n    a = open(f_path)\n    b = open(f_path)\n" in text


def test_used_in_a_loop() -> None:
    """A parameter that is read in a loop is downloaded before it."""
    text = converted(task("f: FlyteFile", "for i in range(3):\n    open(f)\nreturn ''"))
    assert "    f_path = f.download_sync()\n    for i in range(3):\n        open(f_path)\n" in text


def test_optional_is_not_downloaded_early() -> None:
    """A file that may be None is downloaded where it is used."""
    text = converted(task("f: Optional[FlyteFile] = None", "if f:\n    open(f)\n    open(f)\nreturn ''"))
    assert text.count("open(f.download_sync())") == 2


def test_async_task_awaits() -> None:
    """In an async task the async forms are written."""
    text = converted("@task\nasync def t(f: FlyteFile) -> FlyteFile:\n    p = f.download()\n    return p\n")
    assert "    p = await f.download()\n    return await File.from_local(p)\n" in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('FlyteFile("/a/b")', 'File.from_local_sync("/a/b")'),
        ('FlyteFile(path="s3://a/b")', 'File.from_existing_remote("s3://a/b")'),
        ('"/a/b"', 'File.from_local_sync("/a/b")'),
        ('"https://a/b"', 'File.from_existing_remote("https://a/b")'),
        ('os.path.join("a", "b")', 'File.from_local_sync(os.path.join("a", "b"))'),
        ('Path("a") / "b"', 'File.from_local_sync(Path("a") / "b")'),
        ('FlyteFile("/a", remote_path="s3://a/b")', 'File.from_local_sync("/a", remote_destination="s3://a/b")'),
        ('FlyteFile("/a", remote_path=False)', 'File.from_existing_remote("/a")'),
        ('FlyteFile.from_source("s3://a/b")', 'File.from_existing_remote("s3://a/b")'),
        ('FlyteFile["csv"]("/a")', 'File.from_local_sync("/a")'),
        ("FlyteFile(path=flytekit.current_context().working_directory)", "File.from_local_sync(tempfile.mkdtemp())"),
        ("g", "g"),
        ("g if g else '/a'", "g if g else File.from_local_sync('/a')"),
    ],
)
def test_returned_file(before: str, after: str) -> None:
    """What a task returns for a file is a File."""
    assert f"    return {after}\n" in converted(task("g: FlyteFile", f"return {before}", "FlyteFile"))


def test_unknown_value_is_reported() -> None:
    """A value of unknown type is taken for a path, and said so."""
    body = task("n: int", "return make(n)", "FlyteFile") + "def make(n):\n    return n\n"
    assert "    return File.from_local_sync(make(n))\n" in converted(body)
    assert codes(body) == ["FB402"]


def test_path_from_outside_is_reported() -> None:
    """A path that is an input may be a URL: it is taken for a local one, and said so; a name that says uri is believed."""
    assert codes(task("place: str", "return FlyteFile(place)", "FlyteFile")) == ["FB401"]
    assert "File.from_existing_remote(uri)" in converted(task("uri: str", "return FlyteFile(uri)", "FlyteFile"))


def test_written_after_it_is_made() -> None:
    """A file that is made first and written afterwards is a path until it is returned."""
    body = 'out = FlyteFile("x.csv")\npd.DataFrame().to_csv(out)\nwith out.open("w") as h:\n    pass\nreturn out'
    text = converted(task("n: int", body, "FlyteFile"))
    assert '    out = "x.csv"\n    pd.DataFrame().to_csv(out)\n    with open(out, "w") as h:\n' in text
    assert "    return File.from_local_sync(out)\n" in text


def test_helper_is_followed() -> None:
    """A helper without annotations that is given files treats them as files."""
    body = "def show(g):\n    return open(g).read()\n\n" + task("f: FlyteFile", "return show(f)")
    text = converted(body)
    assert "open(g.download_sync())" in text
    assert "return show(f)\n" in text


def test_helper_with_a_path_parameter() -> None:
    """A helper that declares text is given the path."""
    body = "def show(g: str):\n    return open(g).read()\n\n" + task("f: FlyteFile", "return show(f)")
    assert "return show(f.download_sync())\n" in converted(body)


def test_directory_is_walked() -> None:
    """crawl() becomes a walk that gives the same pairs."""
    text = converted(task("d: FlyteDirectory", "return [b for a, b in d.crawl()]", "List[str]"))
    assert "(d.path, os.path.relpath(file.path, d.path)) for file in d.walk_sync()" in text


def test_module_without_flyte1_is_left_alone() -> None:
    """A file that does not import Flyte 1 is not touched."""
    source = "def task(f):\n    return open(f)\n"
    assert convert_source(source, path="case.py", name="case").findings == ()


def test_shadowed_context_is_left_alone() -> None:
    """A local function of the same name is not Flyte 1's."""
    text = converted("def current_context():\n    return {}\n\n" + task("n: int", "return current_context().get('x')"))
    assert "return current_context().get('x')\n" in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("current_context().execution_id.name", "flyte.ctx().action.run_name"),
        ("flytekit.current_context().execution_id.project", "flyte.ctx().action.project"),
        ("current_context().execution_date", "flyte.ctx().run_start_time"),
        ("current_context().raw_output_prefix", "flyte.ctx().raw_data_path.path"),
        ("current_context().working_directory", "tempfile.mkdtemp()"),
        ("current_context().logging", "flyte.logger"),
        ("current_context().spark_session", 'flyte.ctx().data["spark_session"]'),
        ("FlyteContextManager.current_context().user_space_params.execution_date", "flyte.ctx().run_start_time"),
        ("logger", "flyte.logger"),
    ],
)
def test_context(before: str, after: str) -> None:
    """Each attribute of the context is what it is in Flyte 2."""
    assert f"    return {after}\n" in converted(task("n: int", f"return {before}"))


def test_context_in_a_variable_goes_with_its_last_use() -> None:
    """A variable that held the context for one thing only is not kept."""
    text = converted(task("n: int", "ctx = current_context()\nd = ctx.working_directory\nreturn d"))
    assert "ctx" not in text


def test_two_kinds_of_context_in_one_variable() -> None:
    """A variable that holds first the inner and then the outer context is read by what it holds."""
    body = """
        ctx = FlyteContextManager.current_context()
        a = ctx.file_access.get_random_local_directory()
        ctx = current_context()
        b = ctx.execution_id.name
        return a + b
    """
    text = converted(task("n: int", body))
    assert "a = tempfile.mkdtemp()\n" in text
    assert "b = ctx.action.run_name\n" in text


@pytest.mark.parametrize(
    ("annotation", "after"),
    [
        ("int", "Optional[int]"),
        ("List[str]", "Optional[List[str]]"),
        ("Optional[int]", "Optional[int]"),
        ("FlyteFile", "Optional[File]"),
        ("Any", "Any"),
    ],
)
def test_none_default(annotation: str, after: str) -> None:
    """None as a default is declared."""
    assert f"def t(x: {after} = None)" in converted(task(f"x: {annotation} = None", "return ''"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[1, 2]", "1, 2"),
        ("sorted([2, 1])", "tuple(sorted([2, 1]))"),
        ("(1, 2)", "(1, 2)"),
        ("tuple([1, 2])", "tuple([1, 2])"),
        ("pair()", "pair()"),
    ],
)
def test_tuple(before: str, after: str) -> None:
    """A list returned for a tuple becomes one; what is a tuple stays."""
    body = "def pair() -> Tuple[int, int]:\n    return 1, 2\n\n" + task("n: int", f"return {before}", "Tuple[int, int]")
    assert f"    return {after}\n" in converted(body)
