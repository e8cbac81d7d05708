"""What `convert --format json` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flyte_bridge.convert import rename_table
from flyte_bridge.convert.files import FileResult
from flyte_bridge.convert.project import ProjectResult
from flyte_bridge_translators.findings import Finding
from flyte_bridge_translators.source.engine.naming import RenameTable
from flyte_bridge_translators.source.engine.translator import Converted, Outcome

if TYPE_CHECKING:
    from flyte_bridge.verify.verdict import Verdict


Reports = Mapping[int, Sequence[Finding]]
"""Of each outcome, by its id, the findings that are reported."""


def state(outcome: Outcome) -> str:
    """`converted`, `unchanged` or `failed`."""
    return type(outcome).__name__.lower()


def document(
    result: ProjectResult, reports: Reports, verdicts: Sequence[Verdict] | None, *, explain: bool
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "files": [
            file_document(str(each.file.path), each.outcome, reports[id(each.outcome)], explain=explain, each=each)
            for each in result.files
        ],
        **rename_table.document(result.names),
        "summary": dict(Counter(state(each.outcome) for each in result.files)),
    }
    if verdicts is not None:
        from flyte_bridge.verify.report import to_json

        document["verify"] = to_json(verdicts)
        document["verdicts"] = dict(Counter(verdict.outcome.value for verdict in verdicts))
    return document


def file_document(
    path: str, outcome: Outcome, findings: Sequence[Finding], *, explain: bool, each: FileResult | None = None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "path": path,
        "outcome": state(outcome),
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.value,
                "line": finding.where.line,
                "column": finding.where.column,
                **({"cell": finding.where.cell} if finding.where.cell else {}),
                "message": finding.message,
                "advice": finding.advice,
            }
            for finding in findings
        ],
    }
    if each is not None and each.file.is_module:
        document["module"] = each.file.name
    if isinstance(outcome, Converted):
        document["text"] = outcome.text
        document.update(rename_table.document(RenameTable(outcome.renames, outcome.launch_plans)))
        if explain:
            document["changes"] = [
                {"rule": change.rule, "line": change.line, "column": change.column, "why": change.why}
                for change in outcome.changes
            ]
    return document
