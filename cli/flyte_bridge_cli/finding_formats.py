"""Findings as other programs read them: GitHub's annotations, SARIF, a Markdown table; and how many there are of each code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from flyte_bridge import __version__
from flyte_bridge_translators.findings import Finding, Severity
from flyte_bridge_translators.findings.catalogue import CATALOGUE


def statistics(findings: Sequence[Finding]) -> str:
    """How many there are of each code, the most frequent first."""
    counts = Counter(finding.code for finding in findings)
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return "".join(
        f"{count:5}  {code}  {CATALOGUE[code].severity.value:5}  {CATALOGUE[code].title}\n" for code, count in rows
    )


_GITHUB = {Severity.NOTE: "notice", Severity.CHECK: "warning", Severity.HAND: "error", Severity.ERROR: "error"}
_SARIF = {Severity.NOTE: "note", Severity.CHECK: "warning", Severity.HAND: "error", Severity.ERROR: "error"}


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands of GitHub Actions, one annotation per finding."""
    return "".join(
        f"::{_GITHUB[finding.severity]} file={_property(finding.where.path)},line={_line(finding)},"
        f"col={finding.where.column + 1},title={finding.code}::{_data(f'{_cell_of(finding)}{finding.message} {finding.advice}')}\n"
        for finding in findings
    )


def _line(finding: Finding) -> int:
    """The line in the file; the lines of a notebook's cells are not those of its file."""
    return 1 if finding.where.cell else max(finding.where.line, 1)


def _cell_of(finding: Finding) -> str:
    return f"cell {finding.where.cell}, line {finding.where.line}: " if finding.where.cell else ""


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding]) -> str:
    """A log of SARIF 2.1.0 (OASIS), as code scanning takes it."""
    used = sorted({finding.code for finding in findings})
    rules = [
        {
            "id": code,
            "name": CATALOGUE[code].title,
            "shortDescription": {"text": CATALOGUE[code].title},
            "fullDescription": {"text": CATALOGUE[code].meaning},
            "help": {"text": CATALOGUE[code].advice},
            "defaultConfiguration": {"level": _SARIF[CATALOGUE[code].severity]},
        }
        for code in used
    ]
    results = [
        {
            "ruleId": finding.code,
            "ruleIndex": used.index(finding.code),
            "level": _SARIF[finding.severity],
            "message": {"text": f"{_cell_of(finding)}{finding.message} {finding.advice}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": Path(finding.where.path).as_posix()},
                        "region": {"startLine": _line(finding), "startColumn": finding.where.column + 1},
                    }
                }
            ],
        }
        for finding in findings
    ]
    driver = {"name": "flyte-bridge", "version": __version__, "rules": rules}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def markdown(findings: Sequence[Finding]) -> str:
    """A table, for a pull request's comment."""
    head = ["| place | code | | what | what next |", "|---|---|---|---|---|"]
    cells = [
        (str(finding.where), finding.code, finding.severity.value, finding.message, finding.advice)
        for finding in findings
    ]
    return "\n".join([*head, *(f"| {' | '.join(map(_cell, row))} |" for row in cells)]) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {"github": github, "sarif": sarif, "markdown": markdown}
"""What `--format` takes beside `text` and `json`."""
