"""Bad input: a finding or a clear error with its place, never a traceback."""

from pathlib import Path

import pytest

from flyte_bridge.convert.converter import convert_source
from flyte_bridge.convert.project import convert_files, find, module_name, write, write_in_place, write_to
from flyte_bridge.errors import SourceError, UsageError
from flyte_bridge_translators.source.engine.translator import Converted, Failed, Unchanged

V1 = "from flytekit import task\n\n\n@task\ndef a(x: int) -> int:\n    return x\n"


def test_empty_file_is_unchanged() -> None:
    """There is nothing to do in an empty file."""
    assert convert_source("") == Unchanged()
    assert convert_source(" \n\t\n") == Unchanged()


def test_file_without_flytekit_is_unchanged() -> None:
    """A file that never names flytekit is left alone."""
    assert convert_source("import os\nprint(os.sep)\n") == Unchanged()


@pytest.mark.parametrize("text", ["def f(:\n    pass\n", "from flytekit import (task\n", "x = (\n", "if x:\nprint()\n"])
def test_syntax_error_has_a_place(text: str) -> None:
    """A syntax error is a finding with its line."""
    outcome = convert_source(text, path="bad.py")
    assert isinstance(outcome, Failed)
    (finding,) = outcome.findings
    assert finding.code == "FB101"
    assert finding.where.path == "bad.py"
    assert finding.where.line >= 1


def test_wrong_encoding_is_reported() -> None:
    """Bytes that are not in the encoding the file declares are a finding."""
    outcome = convert_source(b"# -*- coding: utf-8 -*-\nfrom flytekit import task\nx = '\xff'\n")
    assert isinstance(outcome, Failed)
    assert outcome.findings[0].code == "FB102"


def test_unknown_encoding_is_reported() -> None:
    """An encoding nobody knows is a finding."""
    outcome = convert_source(b"# -*- coding: klingon -*-\nfrom flytekit import task\n")
    assert isinstance(outcome, Failed)
    assert outcome.findings[0].code in {"FB101", "FB102"}


def test_declared_encoding_is_kept(tmp_path: Path) -> None:
    """A latin-1 file stays latin-1."""
    path = tmp_path / "latin.py"
    path.write_bytes(b"# -*- coding: latin-1 -*-\n" + V1.encode() + b"NAME = '\xe9'\n")
    (result,) = convert_files(find([path])).files
    assert isinstance(result.outcome, Converted)
    assert result.data is not None
    assert b"NAME = '\xe9'" in result.data


def test_byte_order_mark_is_kept(tmp_path: Path) -> None:
    """A byte order mark stays where it is, once."""
    path = tmp_path / "bom.py"
    path.write_bytes(b"\xef\xbb\xbf" + V1.encode())
    (result,) = convert_files(find([path])).files
    assert result.data is not None
    assert result.data.startswith(b"\xef\xbb\xbf")
    assert result.data.count(b"\xef\xbb\xbf") == 1


def test_crlf_is_kept(tmp_path: Path) -> None:
    """A file with CRLF line ends keeps them, in new lines too."""
    path = tmp_path / "crlf.py"
    path.write_bytes(V1.replace("\n", "\r\n").encode())
    (result,) = convert_files(find([path])).files
    assert result.data is not None
    assert result.data.count(b"\n") == result.data.count(b"\r\n")


def test_tabs_are_kept() -> None:
    """Indentation by tabs stays."""
    outcome = convert_source(V1.replace("    ", "\t"))
    assert isinstance(outcome, Converted)
    assert "\treturn x" in outcome.text


def test_missing_path_is_a_usage_error(tmp_path: Path) -> None:
    """A path that is not there is said so."""
    with pytest.raises(UsageError, match="no such file"):
        find([tmp_path / "nowhere.py"])


def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    """An unreadable file is a finding; the others are converted."""
    # Not even root can read this one: an I/O error, as from a broken disk.
    (tmp_path / "secret.py").symlink_to("/proc/self/mem")
    (tmp_path / "ok.py").write_text(V1)
    outcomes = {each.file.path.name: each.outcome for each in convert_files(find([tmp_path])).files}
    assert isinstance(outcomes["secret.py"], Failed)
    assert isinstance(outcomes["ok.py"], Converted)


def test_dangling_link_is_reported(tmp_path: Path) -> None:
    """A link that leads nowhere is a finding; the others are converted."""
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "ok.py").write_text(V1)
    outcomes = {each.file.path.name: each.outcome for each in convert_files(find([tmp_path])).files}
    assert isinstance(outcomes["gone.py"], Failed)
    assert isinstance(outcomes["ok.py"], Converted)


def test_link_loop_ends(tmp_path: Path) -> None:
    """A directory that links to itself is walked once; a file that links to itself is a finding."""
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "self.py").symlink_to(tmp_path / "self.py")
    (tmp_path / "ok.py").write_text(V1)
    results = convert_files(find([tmp_path])).files
    assert sorted(each.file.path.name for each in results) == ["ok.py", "self.py"]


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    """A file that does not parse is reported; the others are converted and written."""
    (tmp_path / "bad.py").write_text("def f(:\n")
    (tmp_path / "ok.py").write_text(V1)
    result = convert_files(find([tmp_path]))
    assert write_in_place(result) == [tmp_path / "ok.py"]
    assert (tmp_path / "bad.py").read_text() == "def f(:\n"


def test_many_files_in_workers_are_as_one_by_one(tmp_path: Path) -> None:
    """Converting in worker processes gives the same as converting here."""
    for number in range(20):
        (tmp_path / f"m{number}.py").write_text(V1)
    files = find([tmp_path])
    here = [each.outcome for each in convert_files(files, workers=1).files]
    there = [each.outcome for each in convert_files(files, workers=2).files]
    assert here == there


@pytest.mark.parametrize("workers", [1, 2])
def test_modules_of_one_name_stay_apart(tmp_path: Path, workers: int) -> None:
    """Two projects converted together may have modules of the same name: each file is told of its own project's."""
    task = "from flytekit import task\n\n\n@task\n{kind}def load(x: int) -> int:\n    return x\n"
    driver = "from flytekit import workflow\nfrom tasks import load\n\n\n@workflow\ndef wf(x: int) -> int:\n    return load(x=x)\n"
    for name, kind in (("one", ""), ("two", "async ")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "tasks.py").write_text(task.format(kind=kind))
        (folder / "flow.py").write_text(driver)
        for number in range(5):
            (folder / f"other_{number}.py").write_text(V1)
    result = convert_files(find([tmp_path / "one", tmp_path / "two"]), workers=workers)
    texts = {each.file.path: each.outcome.text for each in result.files if isinstance(each.outcome, Converted)}
    assert "await load.aio(x=x)" in texts[tmp_path / "one" / "flow.py"]
    assert "await load(x=x)" in texts[tmp_path / "two" / "flow.py"]


def test_write_replaces_in_one_step(tmp_path: Path) -> None:
    """A failed write leaves the old content and no temporary file."""
    folder = tmp_path / "file"
    folder.write_text("in the way")
    with pytest.raises(SourceError, match="nothing was changed"):
        write(folder / "x.py", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_write_keeps_the_mode_and_follows_links(tmp_path: Path) -> None:
    """An executable script stays executable; a link stays a link."""
    script = tmp_path / "script.py"
    script.write_text("old")
    script.chmod(0o755)
    link = tmp_path / "link.py"
    link.symlink_to(script)
    write(link, b"new")
    assert link.is_symlink()
    assert script.read_bytes() == b"new"
    assert script.stat().st_mode & 0o777 == 0o755


def test_output_directory_gets_the_whole_tree(tmp_path: Path) -> None:
    """Converted, unchanged and data files land below the output directory; the originals stay."""
    source = tmp_path / "src"
    (source / "sub").mkdir(parents=True)
    (source / "a.py").write_text(V1)
    (source / "sub" / "plain.py").write_text("x = 1\n")
    (source / "sub" / "data.csv").write_text("a,b\n")
    target = tmp_path / "out"
    write_to(convert_files(find([source])), target)
    assert (target / "a.py").read_text() != V1
    assert (target / "sub" / "plain.py").read_text() == "x = 1\n"
    assert (target / "sub" / "data.csv").read_text() == "a,b\n"
    assert (source / "a.py").read_text() == V1


def test_output_inside_the_source_is_refused(tmp_path: Path) -> None:
    """Writing into the tree that is converted would convert it again next time."""
    (tmp_path / "a.py").write_text(V1)
    with pytest.raises(UsageError, match="choose another directory"):
        write_to(convert_files(find([tmp_path])), tmp_path / "out")


def test_two_files_on_one_place_are_refused(tmp_path: Path) -> None:
    """Two files of the same name, given one by one, would overwrite each other."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text(V1)
    result = convert_files(find([tmp_path / "one" / "a.py", tmp_path / "two" / "a.py"]))
    with pytest.raises(UsageError, match="both be written"):
        write_to(result, tmp_path / "out")


def test_module_names(tmp_path: Path) -> None:
    """A module is named as it is imported: from the outermost package, else from the root."""
    package = tmp_path / "proj" / "pkg" / "sub"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    root = tmp_path / "proj"
    assert module_name(package / "tasks.py", root) == "pkg.sub.tasks"
    assert module_name(package / "__init__.py", root) == "pkg.sub"
    assert module_name(package / "tasks.py", package) == "pkg.sub.tasks"
    assert module_name(root / "script.py", root) == "script"


@pytest.mark.parametrize(
    ("taken", "environment"),
    [
        ("from .steps import load", "from .steps.load import env as load_env"),
        ("from . import helpers", "from .steps.load import env as load_env"),
        ("from app.steps import load", "from app.steps.load import env as load_env"),
        ("from app import helpers", "from app.steps.load import env as load_env"),
    ],
)
def test_an_environment_is_imported_as_the_file_imports(tmp_path: Path, taken: str, environment: str) -> None:
    """An environment whose task comes by a re-export or a helper is imported by the root and the dots of the file's own imports."""
    steps = tmp_path / "app" / "steps"
    steps.mkdir(parents=True)
    (tmp_path / "app" / "__init__.py").touch()
    (steps / "__init__.py").write_text("from .load import load\n")
    (steps / "load.py").write_text(V1.replace("def a", "def load"))
    (tmp_path / "app" / "helpers.py").write_text(
        "from .steps import load\n\n\ndef twice(x):\n    return load(x=load(x=x))\n"
    )
    call = "helpers.twice(x)" if "helpers" in taken else "load(x=x)"
    text = f"from flytekit import workflow\n\n{taken}\n\n\n@workflow\ndef wf(x: int) -> int:\n    return {call}\n"
    (tmp_path / "app" / "flows.py").write_text(text)
    results = {one.file.name: one for one in convert_files(find([tmp_path])).files}
    converted = results["app.flows"].outcome
    assert isinstance(converted, Converted)
    assert environment in converted.text
