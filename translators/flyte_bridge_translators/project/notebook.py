"""A Jupyter notebook (nbformat 4) as one module, and back: its cells are converted together, each in its place.

Between cells stand markers that no rule touches; what IPython reads and Python does not (`%magic`, `!command`) is put aside
behind markers of its own. Outputs, metadata, and the formatting of the file stay as they are.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from flyte_bridge_translators.findings import Finding, Where
from flyte_bridge_translators.findings.catalogue import CATALOGUE
from flyte_bridge_translators.project import json_places
from flyte_bridge_translators.project.json_places import Member
from flyte_bridge_translators.project.mentions import mentions
from flyte_bridge_translators.source.engine.translator import Converted, Failed, Outcome, Unchanged

PYTHON_BODIES = frozenset({"capture", "prun", "time", "timeit"})
"""Cell magics whose cell is Python."""

_CELL = re.compile(r'^"""flyte-bridge: cell (\d+)"""\n?', re.MULTILINE)
_LINE = re.compile(r'"""flyte-bridge: line (\d+)"""|get_ipython\("""flyte-bridge: value (\d+)"""\)')
_ASIDE = re.compile(
    r"^(?P<indent>\s*)(?:(?P<target>[\w.,\[\] ]+=\s*)(?=[!%])|(?=[!%?])|(?=[\w.%]+\?{1,2}\s*$))(?P<rest>.*)$"
)


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        number: Its place, from 1, as findings call it.
        kind: `code`, `markdown` or `raw`.
        text: Its source.
        source: Where its source stands in the file.
        outputs: What it printed and showed, as JSON.
        python: What of it is Python, or None: nothing.
    """

    number: int
    kind: str
    text: str
    source: Member
    outputs: str = ""
    python: str | None = None


@dataclass(frozen=True)
class Notebook:
    """A notebook that was read.

    Attributes:
        text: The file.
        cells: Its cells.
        aside: What was put aside, by number.
    """

    text: str
    cells: Sequence[Cell]
    aside: Mapping[int, str]

    @property
    def script(self) -> str:
        """Its Python, as one module."""
        return "".join(f"{_marker(cell.number)}\n{cell.python}\n" for cell in self.cells if cell.python is not None)


def read(text: str) -> Notebook:
    """Reads a notebook.

    Raises:
        ValueError: It is none of nbformat 4, or its language is not Python.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or document.get("nbformat") != 4:
        raise ValueError("no notebook of nbformat 4")
    metadata = document.get("metadata", {})
    language = metadata.get("language_info", {}).get("name") or metadata.get("kernelspec", {}).get("language", "python")
    if language.lower() not in {"python", "ipython"}:
        raise ValueError(f"a notebook in {language}")
    top = {member.key: member for member in json_places.members(text, json_places.beginning(text))}
    aside: dict[int, str] = {}
    cells = [
        _cell(text, number, cell, aside) for number, cell in enumerate(json_places.members(text, top["cells"].start), 1)
    ]
    return Notebook(text, cells, aside)


def _cell(text: str, number: int, cell: Member, aside: dict[int, str]) -> Cell:
    parts = {member.key: member for member in json_places.members(text, cell.start)}
    source = parts["source"]
    value = source.value
    own = "".join(value) if isinstance(value, list) else str(value)
    kind = str(parts["cell_type"].value)
    outputs = text[parts["outputs"].start : parts["outputs"].end] if "outputs" in parts else ""
    python = _python(own, aside) if kind == "code" else None
    return Cell(number, kind, own, source, outputs, python)


def _python(text: str, aside: dict[int, str]) -> str | None:
    """A cell with what is no Python put aside; None when it is none at all."""
    if _parses(text):
        return text
    magic = re.match(r"\s*%%(\w+)", text)
    if magic is not None and magic[1] not in PYTHON_BODIES:
        return None
    put = dict(aside)
    lines: list[str] = []
    rest = iter(text.splitlines(keepends=True))
    for line in rest:
        match = _ASIDE.match(line.rstrip("\r\n"))
        if match is None:
            lines.append(line)
            continue
        kept = line.removeprefix(match["indent"]).removeprefix(match["target"] or "")
        while kept.rstrip("\r\n").endswith("\\"):
            kept += next(rest, "\n")
        key = len(put)
        put[key] = kept.rstrip("\r\n")
        marker = (
            f'get_ipython("""flyte-bridge: value {key}""")' if match["target"] else f'"""flyte-bridge: line {key}"""'
        )
        lines.append(f"{match['indent']}{match['target'] or ''}{marker}\n" + "\n" * put[key].count("\n"))
    python = "".join(lines)
    if not _parses(python):
        return None
    aside.update(put)
    return python


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    return True


def result(path: str, notebook: Notebook, outcome: Outcome) -> Outcome:
    """What became of a notebook, of what became of its module: the new file, findings at cell and line."""
    findings = [_placed(notebook, finding) for finding in outcome.findings]
    if isinstance(outcome, Failed):
        return Failed(tuple(findings))
    sources = _sources(notebook, outcome.text) if isinstance(outcome, Converted) else {}
    if sources is None:
        return Failed((_finding("FB106", Where(path), "the cells of the notebook came out in another order"),))
    text = _written(notebook, sources)
    findings += _left(path, notebook, sources)
    every = tuple(sorted(findings, key=lambda finding: (finding.where.cell, finding.where, finding.code)))
    if text == notebook.text:
        return Unchanged(every)
    made = outcome if isinstance(outcome, Converted) else Converted(text)
    return replace(made, text=text, findings=every)


def _sources(notebook: Notebook, script: str) -> Mapping[int, str] | None:
    """Number of each cell that changed → its new source; None when the markers are not where they were."""
    parts = _CELL.split(script)
    numbers = [cell.number for cell in notebook.cells if cell.python is not None]
    if [int(number) for number in parts[1::2]] != numbers or parts[0].strip():
        return None
    before = dict(zip(numbers, _CELL.split(notebook.script)[2::2], strict=True))
    sources = {}
    for number, part in zip(numbers, parts[2::2], strict=True):
        if part != before[number]:
            sources[number] = _restored(notebook, part).strip("\n")
    return sources


def _restored(notebook: Notebook, part: str) -> str:
    def original(match: re.Match[str]) -> str:
        return notebook.aside[int(match[1] or match[2])]

    for key, kept in notebook.aside.items():  # the empty lines that stand for those of a command in several
        if "\n" in kept:
            for form in (f'"""flyte-bridge: line {key}"""', f'get_ipython("""flyte-bridge: value {key}""")'):
                part = part.replace(form + "\n" * kept.count("\n"), form)
    return _LINE.sub(original, part)


def _written(notebook: Notebook, sources: Mapping[int, str]) -> str:
    text = notebook.text
    for cell in reversed(notebook.cells):
        if cell.number in sources and sources[cell.number] != cell.text:
            source = sources[cell.number] + ("\n" if cell.text.endswith("\n") else "")
            if isinstance(cell.source.value, list):
                new = json_places.list_like(notebook.text, cell.source, source.splitlines(keepends=True))
            else:
                new = json.dumps(source, ensure_ascii=notebook.text.isascii())
            text = text[: cell.source.start] + new + text[cell.source.end :]
    return text


def _placed(notebook: Notebook, finding: Finding) -> Finding:
    """A finding of the module at its cell."""
    line = finding.where.line
    start = 1
    for cell in notebook.cells:
        if cell.python is None:
            continue
        length = 2 + cell.python.count("\n")
        if start <= line < start + length:
            where = Where(finding.where.path, max(line - start, 1), finding.where.column, cell.number)
            return replace(finding, where=where)
        start += length
    return finding


def _left(path: str, notebook: Notebook, sources: Mapping[int, str]) -> Iterator[Finding]:
    """What is not Python and names Flyte 1, and what could not be read."""
    for cell in notebook.cells:
        text = sources.get(cell.number, cell.text)
        first = next(mentions(text), None)
        if first is None:
            if next(mentions(cell.outputs), None) is not None:
                yield _finding(
                    "FB601", Where(path, 0, 0, cell.number), "its outputs are from before: run the notebook again"
                )
            continue
        line = text.count("\n", 0, first.offset) + 1
        where = Where(path, line, 0, cell.number)
        if cell.kind != "code":
            yield _finding("FB601", where, f"{first.name} here")
        elif cell.python is None:
            what = "a cell that is not Python" if cell.text.lstrip().startswith("%%") else "a cell that does not parse"
            yield _finding("FB606", where, f"{first.name} in {what}")
        elif any(text.splitlines()[line - 1].strip() in kept for kept in notebook.aside.values()):
            yield _finding("FB602", where, f"{first.name} here")


def _finding(code: str, where: Where, message: str) -> Finding:
    entry = CATALOGUE[code]
    return Finding(code, entry.severity, where, message, entry.advice)


def _marker(number: int) -> str:
    return f'"""flyte-bridge: cell {number}"""'
