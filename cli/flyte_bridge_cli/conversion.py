"""What `flyte-bridge convert` does, once its options are read: convert, write, verify and show."""

from __future__ import annotations

import difflib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.syntax import Syntax
from rich.table import Table

from flyte_bridge.convert.converter import convert_source
from flyte_bridge.convert.files import FileResult
from flyte_bridge.convert.project import ProjectResult, convert_files, find, write_in_place, write_to
from flyte_bridge.errors import UsageError
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.output import tell
from flyte_bridge_translators.findings import Finding, Severity
from flyte_bridge_translators.source.engine.translator import Converted, Failed, Options, Outcome

if TYPE_CHECKING:
    from flyte_bridge.verify.verify import Verdict


@dataclass(frozen=True)
class Request:
    """The options of `flyte-bridge convert`, by their names; docs/cli.md says what they mean."""

    paths: tuple[Path, ...]
    output: Path | None
    in_place: bool
    show_diff: bool
    check: bool
    as_json: bool
    explain: bool
    select: str | None
    ignore: str | None
    do_verify: bool
    inputs: Path | None
    samples: int
    timeout: float
    certificate: Path | None
    strict: bool
    tasks: bool
    python: Path | None
    rules: Path | None
    retries: str


def run(request: Request) -> Exit:
    """Converts, and shows or writes the result.

    Raises:
        UsageError: Options exclude each other, or a path is not there.
    """
    if sum(map(bool, (request.output, request.in_place, request.show_diff, request.check))) > 1:
        raise UsageError("--output, --in-place, --diff and --check exclude each other: choose one")
    for name, given in (
        ("--inputs", request.inputs),
        ("--samples", request.samples),
        ("--certificate", request.certificate),
        ("--strict", request.strict),
        ("--tasks", request.tasks),
        ("--python", request.python),
        ("--rules", request.rules),
    ):
        if given and not request.do_verify:
            raise UsageError(f"{name} is for --verify: add it")
    if request.certificate and request.in_place:
        raise UsageError(
            "a certificate is for source and conversion, and --in-place writes over the source: use -o DIR"
        )
    wanted = _Wanted(_codes(request.select), _codes(request.ignore))
    options = Options(retries=request.retries, explain=request.explain)
    if any(str(path) == "-" for path in request.paths):
        if len(request.paths) > 1 or request.output or request.in_place or request.do_verify:
            raise UsageError(
                "- reads one file from standard input: give it alone, without --output, --in-place or --verify"
            )
        return _filter(options, wanted, show_diff=request.show_diff, check=request.check, as_json=request.as_json)
    for path in request.paths:
        if not path.exists() and not path.is_symlink():
            raise UsageError(f"{path}: no such file or directory")

    if request.do_verify and request.python is None and find_spec("flytekit") is None:
        raise UsageError(
            "--verify runs Flyte 1, and flytekit is not installed here (it needs Python 3.12 or older): "
            "name one that has it with --python, or leave --verify out"
        )

    errors = Console(stderr=True)
    files = find(request.paths)
    if not files:
        raise UsageError(f"{', '.join(map(str, request.paths))}: no Python files there")
    with _progress(errors) as told:
        result = convert_files(files, options, progress=told)
    if request.in_place:
        write_in_place(result)
    elif request.output is not None:
        write_to(result, request.output)
    verdicts = _verify(request, result, errors) if request.do_verify else None
    elsewhere = request.output or request.in_place or request.check or request.do_verify

    if request.as_json:
        click.echo(
            json.dumps(_document(result, wanted, verdicts, explain=request.explain), indent=2, ensure_ascii=False)
        )
    else:
        _print(
            result,
            wanted,
            verdicts,
            explain=request.explain,
            diff=request.show_diff or (not elsewhere and len(files) == 1),
            wrote=request.in_place or request.output is not None,
        )
    return _exit_code(result, verdicts, check=request.check, strict=request.strict)


class _Wanted:
    """Which findings the caller wants to hear of, by code or prefix of one."""

    def __init__(self, select: Sequence[str], ignore: Sequence[str]) -> None:
        self.select, self.ignore = tuple(select), tuple(ignore)

    def __call__(self, outcome: Outcome) -> list[Finding]:
        return [
            finding
            for finding in outcome.findings
            if finding.severity is Severity.ERROR
            or (
                (not self.select or finding.code.startswith(self.select))
                and not finding.code.startswith(self.ignore or ("-",))
            )
        ]


def _codes(text: str | None) -> list[str]:
    codes = [code.strip().upper() for code in (text or "").split(",") if code.strip()]
    for code in codes:
        if not (code.startswith("FB") and (code[2:].isdigit() or code == "FB")):
            raise UsageError(f"{code} is not a finding code or the beginning of one: they look like FB301")
    return codes


@contextmanager
def _progress(console: Console) -> Iterator[Any]:
    """A bar on standard error, where that is a terminal."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def told(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(phase, total=total)
            bar.update(tasks[phase], completed=done)

        yield told


def _filter(options: Options, wanted: _Wanted, *, show_diff: bool, check: bool, as_json: bool) -> Exit:
    data = sys.stdin.buffer.read()
    outcome = convert_source(data, path="<stdin>", name="stdin", options=options)
    before = data.decode(errors="replace")
    if as_json:
        click.echo(json.dumps(_file_document("<stdin>", outcome, wanted, explain=True), indent=2, ensure_ascii=False))
    elif isinstance(outcome, Converted) and not check:
        click.echo("".join(_diff("<stdin>", before, outcome.text)) if show_diff else outcome.text, nl=False)
    elif not check and not isinstance(outcome, Failed) and not show_diff:
        sys.stdout.buffer.write(data)
    if not as_json:
        for finding in wanted(outcome):
            click.echo(f"{finding} ({finding.advice})", err=True)
    if isinstance(outcome, Failed):
        return Exit.NOT_CONVERTED
    if check:
        return Exit.WOULD_CHANGE if isinstance(outcome, Converted) else Exit.DONE
    return Exit.BY_HAND if _needs_hand([outcome]) else Exit.DONE


def _verify(request: Request, result: ProjectResult, errors: Console) -> list[Verdict]:
    """Run every converted workflow on both sides; what is going on is told on standard error, where that is a terminal."""
    from flyte_bridge.verify.certificate import Setup, relative
    from flyte_bridge.verify.inputs import read_file
    from flyte_bridge.verify.rules_file import read as read_rules
    from flyte_bridge_cli.proof import Verification, certify

    given = read_file(request.inputs) if request.inputs is not None else None
    if request.rules is not None:
        read_rules(request.rules)  # tells what is wrong with them before anything is run
    beside = request.certificate or Path("certificate")
    setup = Setup(
        paths=relative(request.paths, beside),
        output=relative([request.output], beside)[0] if request.output is not None else None,
        retries=request.retries,
        timeout=request.timeout,
        tasks=request.tasks,
        samples=request.samples,
        rules=request.rules.read_text(encoding="utf-8") if request.rules is not None else "",
    )
    with errors.status("verifying") as status:
        return certify(result, given, Verification(setup, request.python, status.update), request.certificate)


def _needs_hand(outcomes: Sequence[Outcome]) -> bool:
    return any(finding.severity is Severity.HAND for outcome in outcomes for finding in outcome.findings)


def _exit_code(result: ProjectResult, verdicts: Sequence[Verdict] | None, *, check: bool, strict: bool) -> Exit:
    outcomes = [each.outcome for each in result.files]
    if any(isinstance(outcome, Failed) for outcome in outcomes):
        return Exit.NOT_CONVERTED
    if verdicts is not None:
        from flyte_bridge.verify.report import differs, proved

        if differs(verdicts) or (strict and not proved(verdicts)):
            return Exit.DIFFERENT
    if check:
        return Exit.WOULD_CHANGE if any(isinstance(outcome, Converted) for outcome in outcomes) else Exit.DONE
    return Exit.BY_HAND if _needs_hand(outcomes) else Exit.DONE


def _state(outcome: Outcome) -> str:
    return type(outcome).__name__.lower()


def _diff(path: str, before: str, after: str) -> Iterator[str]:
    for line in difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{path} (Flyte 1)", f"{path} (Flyte 2)"
    ):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _print(
    result: ProjectResult,
    wanted: _Wanted,
    verdicts: Sequence[Verdict] | None,
    *,
    explain: bool,
    diff: bool,
    wrote: bool,
) -> None:
    console = Console(soft_wrap=True)
    for each in result.files:
        if diff and isinstance(each.outcome, Converted):
            text = "".join(_diff(str(each.file.path), each.before, each.outcome.text))
            if console.is_terminal:
                console.print(Syntax(text, "diff", background_color="default"))
            else:
                click.echo(text, nl=False)
        if explain and isinstance(each.outcome, Converted):
            for change in each.outcome.changes:
                click.echo(f"{each.file.path}:{change.line}:{change.column}: [{change.rule}] {change.why}")
    _print_findings(result, wanted)
    if not diff:
        _print_files(console, result, wanted)
    if result.renames and not diff:
        _print_renames(console, result)
    if verdicts is not None:
        from flyte_bridge.verify.report import print_table

        print_table(verdicts, console)
    _print_summary(result, wrote=wrote)


def _print_findings(result: ProjectResult, wanted: _Wanted) -> None:
    for each in result.files:
        for finding in wanted(each.outcome):
            click.echo(f"{finding}\n    {finding.advice}", err=True)


def _print_files(console: Console, result: ProjectResult, wanted: _Wanted) -> None:
    table = Table(title="Files", title_justify="left")
    for heading in ("file", "outcome", "by hand", "to check", "notes"):
        table.add_column(heading, overflow="fold")
    for each in result.files:
        counts = Counter(finding.severity for finding in wanted(each.outcome))
        numbers = [str(counts[severity] or "") for severity in (Severity.HAND, Severity.CHECK, Severity.NOTE)]
        table.add_row(str(each.file.path), _state(each.outcome), *numbers)
    console.print(table)


def _print_renames(console: Console, result: ProjectResult) -> None:
    table = Table(title="Names: what CI jobs, references and dashboards must now say", title_justify="left")
    table.add_column("Flyte 1", overflow="fold")
    table.add_column("Flyte 2", overflow="fold")
    for old, new in sorted(result.renames.items()):
        table.add_row(old, new)
    console.print(table)


def _print_summary(result: ProjectResult, *, wrote: bool) -> None:
    counts = Counter(_state(each.outcome) for each in result.files)
    hand = sum(finding.severity is Severity.HAND for each in result.files for finding in each.outcome.findings)
    parts = [f"{counts[state]} {state}" for state in ("converted", "unchanged", "failed") if counts[state]]
    text = f"{', '.join(parts)}; {hand} place{'s' * (hand != 1)} left to do by hand"
    if counts["converted"] and not wrote:
        text += "; nothing written (use -o DIR or --in-place)"
    tell(text, err=True)


def _document(
    result: ProjectResult, wanted: _Wanted, verdicts: Sequence[Verdict] | None, *, explain: bool
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "files": [
            _file_document(str(each.file.path), each.outcome, wanted, explain=explain, each=each)
            for each in result.files
        ],
        "renames": dict(sorted(result.renames.items())),
        "summary": dict(Counter(_state(each.outcome) for each in result.files)),
    }
    if verdicts is not None:
        from flyte_bridge.verify.report import to_json

        document["verify"] = to_json(verdicts)
        document["verdicts"] = dict(Counter(verdict.outcome.value for verdict in verdicts))
    return document


def _file_document(
    path: str, outcome: Outcome, wanted: _Wanted, *, explain: bool, each: FileResult | None = None
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "path": path,
        "outcome": _state(outcome),
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity.value,
                "line": finding.where.line,
                "column": finding.where.column,
                "message": finding.message,
                "advice": finding.advice,
            }
            for finding in wanted(outcome)
        ],
    }
    if each is not None:
        document["module"] = each.file.name
    if isinstance(outcome, Converted):
        document["text"] = outcome.text
        document["renames"] = dict(outcome.renames)
        if explain:
            document["changes"] = [
                {"rule": change.rule, "line": change.line, "column": change.column, "why": change.why}
                for change in outcome.changes
            ]
    return document
