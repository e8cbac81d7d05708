"""Notebooks are converted cell by cell, as one module, and nothing else in their file changes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flyte_bridge.convert.project import convert_project, find_all, write_in_place
from flyte_bridge_cli.convert import command
from flyte_bridge_cli.exits import Exit
from flyte_bridge_translators.project import notebook
from flyte_bridge_translators.source.engine.translator import Converted, Failed, Unchanged

TASK = "@task(requests=Resources(cpu='1'))\ndef double(x: int) -> int:\n    return 2 * x"
FLOW = "def twice(x):\n    return double(x=x)\n\n\n@workflow\ndef wf(x: int = 3) -> int:\n    return twice(x=x)\n"
CELLS = (
    ("code", "%load_ext autoreload\nplaces = !ls"),
    ("markdown", "# Numbers ✓"),
    ("code", "from flytekit import Resources, task, workflow"),
    ("code", TASK),
    ("code", FLOW),
    ("code", "%%time\n# run it\nanswer = wf(x=3)\nanswer"),
    ("code", "both = twice(x=4) + 1"),
    ("code", ""),
)


def document(cells: tuple[tuple[str, str], ...], *, lines: bool = True) -> dict[str, Any]:
    made = []
    for number, (kind, text) in enumerate(cells):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"c{number}", "metadata": {"tags": ["é"]}}
        if kind == "code":
            cell |= {
                "execution_count": number,
                "outputs": [{"name": "stdout", "output_type": "stream", "text": ["old\n"]}],
            }
        made.append(cell | {"source": text.splitlines(keepends=True) if lines else text})
    return {"cells": made, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4, "nbformat_minor": 5}


def convert(folder: Path) -> list[Any]:
    """Converts in place; the results."""
    result = convert_project(find_all([folder]))
    write_in_place(result)
    return list(result.files)


def sources(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(path.read_text())["cells"]]


@pytest.mark.parametrize("lines", [True, False], ids=["lines", "one text"])
@pytest.mark.parametrize(
    "form",
    [
        {"indent": 1, "ensure_ascii": False},
        {"indent": "\t", "ensure_ascii": True},
        {"separators": (",", ":"), "ensure_ascii": True},
        {"indent": 4, "sort_keys": True, "ensure_ascii": False},
    ],
    ids=["jupyter", "tabs", "compact", "sorted"],
)
def test_only_sources_change(tmp_path: Path, form: dict[str, Any], lines: bool) -> None:
    """The file keeps its formatting and escapes, its outputs and metadata: it is what the same program would have written."""
    path = tmp_path / "numbers.ipynb"
    before = document(CELLS, lines=lines)
    path.write_text(json.dumps(before, **form) + "\n", encoding="utf-8")
    (result,) = convert(tmp_path)
    assert isinstance(result.outcome, Converted)
    text = path.read_text(encoding="utf-8")
    after = json.loads(text)
    assert json.dumps(after, **form) + "\n" == text
    changed = [
        number for number, (old, new) in enumerate(zip(before["cells"], after["cells"], strict=True)) if old != new
    ]
    assert changed == [2, 3, 4, 5, 6]
    for old, new in zip(before["cells"], after["cells"], strict=True):
        assert old | {"source": ""} == new | {"source": ""}


def test_cells_are_one_module(tmp_path: Path) -> None:
    """A name of an earlier cell counts in a later one; magics stay; a coroutine function is awaited where it is called."""
    path = tmp_path / "numbers.ipynb"
    path.write_text(json.dumps(document(CELLS), indent=1))
    (result,) = convert(tmp_path)
    assert result.outcome.findings == ()
    cells = sources(path)
    assert cells[0] == "%load_ext autoreload\nplaces = !ls"
    assert cells[2].startswith("import flyte\n")
    assert cells[3] == "@env.task\ndef double(x: int) -> int:\n    return 2 * x"
    assert "async def twice(x):\n    return await double.aio(x=x)\n" in cells[4]
    assert cells[5] == "%%time\nflyte.init()\n# run it\nanswer = flyte.run(wf, x=3).outputs()[0]\nanswer"
    assert cells[6] == "both = (await twice(x=4)) + 1"


def test_a_converted_notebook_runs(tmp_path: Path) -> None:
    """Its cells run one after the other in an event loop, as a kernel runs them, and give what they gave."""
    path = tmp_path / "numbers.ipynb"
    cells = tuple((kind, text.replace("%%time\n", "")) for kind, text in CELLS[1:])
    path.write_text(json.dumps(document(cells), indent=1))
    convert(tmp_path)
    script = (
        "import ast, asyncio, inspect, json, sys\n"
        "space = {'__name__': '__main__'}\n"
        "async def main():\n"
        "    for cell in json.load(open(sys.argv[1]))['cells']:\n"
        "        if cell['cell_type'] == 'code':\n"
        "            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT\n"
        "            made = eval(compile(''.join(cell['source']), '<cell>', 'exec', flags), space)\n"
        "            if inspect.isawaitable(made):\n"
        "                await made\n"
        "asyncio.run(main())\n"
        "print(space['answer'], space['both'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert ran.stdout.split()[-2:] == ["6", "9"]


def test_a_notebook_makes_a_function_of_a_module_async(tmp_path: Path) -> None:
    """What becomes async is a property of the project: a workflow in a notebook counts, and a call in a cell is awaited."""
    (tmp_path / "steps.py").write_text(
        "from flytekit import task\n\n\n@task\ndef a(x: int) -> int:\n    return x\n\n\ndef both(x):\n    return a(x=x)\n"
    )
    cells = (
        ("code", "from flytekit import workflow\n\nfrom steps import both"),
        ("code", "@workflow\ndef wf(x: int) -> int:\n    return both(x)"),
        ("code", "both(1)"),
    )
    (tmp_path / "use.ipynb").write_text(json.dumps(document(cells)))
    convert(tmp_path)
    assert "async def both(x):\n    return await a.aio(x=x)" in (tmp_path / "steps.py").read_text()
    assert sources(tmp_path / "use.ipynb")[2] == "await both(1)"


def test_a_module_of_the_same_name_stays_apart(tmp_path: Path) -> None:
    """Nobody imports a notebook: a module beside it with its name is the one that others import."""
    (tmp_path / "steps.py").write_text("from flytekit import task\n\n\n@task\ndef a(x: int) -> int:\n    return x\n")
    (tmp_path / "steps.ipynb").write_text(json.dumps(document((("code", "from steps import a\n\nprint(a(x=1))"),))))
    (tmp_path / "flow.py").write_text(
        "from flytekit import workflow\n\nfrom steps import a\n\n\n@workflow\ndef wf(x: int) -> int:\n    return a(x=x)\n"
    )
    convert(tmp_path)
    assert "await a.aio(x=x)" in (tmp_path / "flow.py").read_text()


def test_findings_are_at_cell_and_line(tmp_path: Path) -> None:
    """A finding names the cell and its line there, in text, JSON and annotations."""
    path = tmp_path / "remote.ipynb"
    cells = (
        ("markdown", "text"),
        ("code", "import os\nfrom flytekit.remote import FlyteRemote\n\nremote = FlyteRemote(None)"),
    )
    path.write_text(json.dumps(document(cells)))
    result = CliRunner().invoke(command, [str(path)])
    assert result.exit_code == Exit.BY_HAND
    assert f"{path}:cell 2:4:9: FB460" in result.stderr
    (file,) = json.loads(CliRunner().invoke(command, [str(path), "--json"]).stdout)["files"]
    assert [(each["cell"], each["line"]) for each in file["findings"]] == [(2, 4)]
    assert (
        "line=1,col=10,title=FB460::cell 2, line 4: "
        in CliRunner().invoke(command, [str(path), "--format", "github"]).stdout
    )


def test_what_is_left_in_cells_is_said(tmp_path: Path) -> None:
    """Cells of other languages, cells that do not parse, texts and old outputs that name Flyte 1 are told of."""
    path = tmp_path / "left.ipynb"
    made = document(
        (
            ("code", "%%writefile x.py\nimport flytekit"),
            ("code", "def (:\n    flytekit"),
            ("markdown", "see flytekit"),
            ("code", "print(1)"),
            ("code", "!flytectl get project"),
        )
    )
    made["cells"][3]["outputs"][0]["text"] = ["flytekit 1.16\n"]
    path.write_text(json.dumps(made))
    (result,) = convert(tmp_path)
    assert isinstance(result.outcome, Unchanged)
    codes = [(finding.where.cell, finding.code) for finding in result.outcome.findings]
    assert codes == [(1, "FB606"), (2, "FB606"), (3, "FB601"), (4, "FB601"), (5, "FB602")]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"nbformat": 3, "worksheets": []}',
        '{"nbformat": 4, "cells": [], "metadata": {"language_info": {"name": "R"}}}',
    ],
)
def test_what_is_no_notebook_is_said(tmp_path: Path, text: str) -> None:
    """A file that is none that can be read is a finding, and nothing else."""
    (tmp_path / "bad.ipynb").write_text(text)
    (result,) = convert(tmp_path)
    assert isinstance(result.outcome, Failed)
    assert [finding.code for finding in result.outcome.findings] == ["FB607"]


@pytest.mark.parametrize(
    "text",
    [
        "%matplotlib inline",
        "if True:\n    !ls {x}\n    y = 1",
        "!pip install a \\\n  b \\\n  c\nx = 1",
        "rows = %sql select 1",
        "wf?",
        'text = """\n% no magic\n"""',
        "%%capture out\nprint(1)",
        "names = !ls \\\n  *.py\nprint(names)",
    ],
)
def test_magics_come_back(text: str) -> None:
    """What IPython reads and Python does not is put aside and put back, whatever happens around it."""
    read = notebook.read(json.dumps(document((("code", text), ("code", "x = 1")))))
    assert read.cells[0].python is not None
    compile(read.script, "<script>", "exec")
    whole = notebook.result("x.ipynb", read, Converted(read.script.replace("x = 1", "x = 2")))
    assert isinstance(whole, Converted)
    assert ["".join(cell["source"]) for cell in json.loads(whole.text)["cells"]] == [
        text.replace("x = 1", "x = 2"),
        "x = 2",
    ]
