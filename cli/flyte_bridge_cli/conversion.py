"""What `flyte-bridge convert` does, once its options are read: convert, write, verify and show."""

from __future__ import annotations

import difflib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.syntax import Syntax
from rich.table import Table

from flyte_bridge.convert import commits, project_settings, rename_table, reporting
from flyte_bridge.convert.cache import ConversionCache
from flyte_bridge.convert.commits import Commit
from flyte_bridge.convert.converter import convert_source
from flyte_bridge.convert.files import File, FileResult
from flyte_bridge.convert.project import ProjectResult, convert_project, find_all, write_in_place, write_to
from flyte_bridge.convert.project_settings import ProjectSettings
from flyte_bridge.convert.reporting import ReportRules
from flyte_bridge.errors import UsageError
from flyte_bridge_cli.commits import print_commits, story
from flyte_bridge_cli.conversion_document import Reports, file_document, state
from flyte_bridge_cli.conversion_document import document as document_of
from flyte_bridge_cli.exits import Exit
from flyte_bridge_cli.finding_formats import FORMATS, statistics
from flyte_bridge_cli.output import tell
from flyte_bridge_translators.findings import Finding, Severity
from flyte_bridge_translators.source.engine.naming import NO_NAMES, RenameTable
from flyte_bridge_translators.source.engine.translator import Converted, Failed, Options, Unchanged

if TYPE_CHECKING:
    from flyte_bridge.verify.verify import Verdict


@dataclass(frozen=True)
class Request:
    """The options of `flyte-bridge convert`, by their names; docs/cli.md says what they mean."""

    paths: tuple[Path, ...]
    output: Path | None
    in_place: bool
    show_diff: bool
    do_commit: bool
    branch: str
    check: bool
    format: str
    explain: bool
    select: str | None
    ignore: str | None
    baseline: Path | None
    write_baseline: Path | None
    statistics: bool
    do_verify: bool
    inputs: Path | None
    samples: int
    timeout: float
    on: str
    certificate: Path | None
    strict: bool
    tasks: bool
    python: Path | None
    rules: Path | None
    retries: str
    name_prefix: str | None
    renames: Path | None
    no_cache: bool


def run(request: Request) -> Exit:
    """Converts, and shows or writes the result.

    Raises:
        UsageError: Options exclude each other, or a path is not there.
    """
    _require_options(request)
    settings = _settings(request)
    rules = settings.rules
    options = Options(
        retries=request.retries,
        explain=request.explain,
        name_prefix=settings.name_prefix,
        table=_recorded(settings.renames),
    )
    if any(str(path) == "-" for path in request.paths):
        if len(request.paths) > 1 or request.output or request.in_place or request.do_verify or request.do_commit:
            raise UsageError(
                "- reads one file from standard input: give it alone, without --output, --in-place, --commit or --verify"
            )
        return _filter(options, rules, request)
    for path in request.paths:
        if not path.exists() and not path.is_symlink():
            raise UsageError(f"{path}: no such file or directory")

    if request.do_verify and request.python is None and find_spec("flytekit") is None:
        raise UsageError(
            "--verify runs Flyte 1, and flytekit is not installed here (it needs Python 3.12 or older): "
            "name one that has it with --python, or leave --verify out"
        )

    if request.do_commit:
        commits.require(request.paths, request.branch)
    errors = Console(stderr=True)
    ours = {path.resolve() for path in (request.baseline, request.write_baseline, request.certificate) if path}
    files = [file for file in find_all(request.paths) if not rules.excludes(file) and file.path.resolve() not in ours]
    if not files:
        raise UsageError(f"{', '.join(map(str, request.paths))}: no Python files there, and nothing that names Flyte 1")
    with _progress(errors) as told:
        cache = None if request.no_cache else ConversionCache.of_the_user()
        result = convert_project(files, options, progress=told, cache=cache)
    if request.in_place:
        write_in_place(result)
    elif request.output is not None:
        write_to(result, request.output)
    if settings.renames is not None and not (request.check or request.show_diff or request.do_commit):
        rename_table.write(settings.renames, options.table.updated(result.names))
    verdicts = _verify(request, options, result, errors) if request.do_verify else None
    reports = {id(each.outcome): rules.report(each) for each in result.files}
    findings = [finding for each in result.files for finding in reports[id(each.outcome)]]
    committed = None
    if request.do_commit:
        of_files = {each.file.path: reports[id(each.outcome)] for each in result.files}
        table = (settings.renames, options.table.updated(result.names))
        committed = commits.commit(result, story(of_files, verdicts or (), *table), request.branch)
    if request.write_baseline is not None:
        written = [(each, reports[id(each.outcome)]) for each in result.files]
        count = reporting.write_baseline(request.write_baseline, written)
        tell(f"{count} findings written to {request.write_baseline}", err=True)
    _show(request, result, reports, verdicts, committed)
    if request.write_baseline is not None:
        findings = []
    return _exit_code(result, findings, verdicts, check=request.check, strict=request.strict)


def _show(
    request: Request,
    result: ProjectResult,
    reports: Reports,
    verdicts: Sequence[Verdict] | None,
    committed: Sequence[Commit] | None,
) -> None:
    findings = [finding for each in result.files for finding in reports[id(each.outcome)]]
    if request.format == "json":
        document = document_of(result, reports, verdicts, explain=request.explain)
        if committed is not None:
            document["branch"] = request.branch if committed else None
            document["commits"] = [vars(each) for each in committed]
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif request.format != "text":
        click.echo(FORMATS[request.format](findings), nl=False)
    else:
        _print(request, result, reports, verdicts)
        if committed is not None:
            print_commits(request.branch, committed)
    if request.statistics and request.format == "text":
        click.echo(statistics(findings), nl=False)


def _require_options(request: Request) -> None:
    if sum(map(bool, (request.output, request.in_place, request.show_diff, request.check, request.do_commit))) > 1:
        raise UsageError("--output, --in-place, --diff, --check and --commit exclude each other: choose one")
    for name, given in (
        ("--inputs", request.inputs),
        ("--samples", request.samples),
        ("--on", request.on != "local"),
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


def _recorded(renames: Path | None) -> RenameTable:
    return rename_table.read(renames) if renames is not None and renames.exists() else NO_NAMES


def _settings(request: Request) -> ProjectSettings:
    """What the options say, else what pyproject.toml says; a baseline on top."""
    paths = [path for path in request.paths if str(path) != "-"]
    settings = project_settings.configured(paths[0] if paths else Path())
    if request.name_prefix is not None:
        settings = replace(settings, name_prefix=project_settings.name_prefix(request.name_prefix, "--name-prefix "))
    if request.renames is not None:
        settings = replace(settings, renames=request.renames)
    return replace(settings, rules=_report_rules(request, settings.rules))


def _report_rules(request: Request, rules: ReportRules) -> ReportRules:
    if request.select is not None:
        rules = replace(rules, select=reporting.codes(request.select))
    if request.ignore is not None:
        rules = replace(rules, ignore=reporting.codes(request.ignore))
    if request.baseline is not None:
        rules = replace(rules, known=reporting.read_baseline(request.baseline), home=request.baseline.parent)
    return rules


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


def _filter(options: Options, rules: ReportRules, request: Request) -> Exit:
    data = sys.stdin.buffer.read()
    outcome = convert_source(data, path="<stdin>", name="stdin", options=options)
    before = data.decode(errors="replace")
    file = File(Path("<stdin>"), Path("<stdin>"), "stdin")
    findings = rules.report(FileResult(file, outcome, before))
    if request.format == "json":
        click.echo(json.dumps(file_document("<stdin>", outcome, findings, explain=True), indent=2, ensure_ascii=False))
    elif request.format != "text":
        click.echo(FORMATS[request.format](findings), nl=False)
    elif isinstance(outcome, Converted) and not request.check:
        shown = "".join(_diff("<stdin>", before, outcome.text)) if request.show_diff else outcome.text
        click.echo(shown, nl=False)
    elif not request.check and not isinstance(outcome, Failed) and not request.show_diff:
        sys.stdout.buffer.write(data)
    if request.format == "text":
        for finding in findings:
            click.echo(f"{finding} ({finding.advice})", err=True)
    if isinstance(outcome, Failed):
        return Exit.NOT_CONVERTED
    if request.check:
        return Exit.WOULD_CHANGE if isinstance(outcome, Converted) else Exit.DONE
    return Exit.BY_HAND if _needs_hand(findings) else Exit.DONE


def _verify(request: Request, options: Options, result: ProjectResult, errors: Console) -> list[Verdict]:
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
        retries=options.retries,
        name_prefix=options.name_prefix,
        names=rename_table.document(options.table.updated(result.names)),
        timeout=request.timeout,
        tasks=request.tasks,
        samples=request.samples,
        rules=request.rules.read_text(encoding="utf-8") if request.rules is not None else "",
        on=request.on,
    )
    with errors.status("verifying") as status:
        return certify(result, given, Verification(setup, request.python, status.update), request.certificate)


def _needs_hand(findings: Sequence[Finding]) -> bool:
    return any(finding.severity is Severity.HAND for finding in findings)


def _exit_code(
    result: ProjectResult, findings: Sequence[Finding], verdicts: Sequence[Verdict] | None, *, check: bool, strict: bool
) -> Exit:
    outcomes = [each.outcome for each in result.files]
    if any(isinstance(outcome, Failed) for outcome in outcomes):
        return Exit.NOT_CONVERTED
    if verdicts is not None:
        from flyte_bridge.verify.report import differs, proved

        if differs(verdicts) or (strict and not proved(verdicts)):
            return Exit.DIFFERENT
    if check:
        return Exit.WOULD_CHANGE if any(isinstance(outcome, Converted) for outcome in outcomes) else Exit.DONE
    return Exit.BY_HAND if _needs_hand(findings) else Exit.DONE


def _diff(path: str, before: str, after: str) -> Iterator[str]:
    for line in difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{path} (Flyte 1)", f"{path} (Flyte 2)"
    ):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _print(request: Request, result: ProjectResult, reports: Reports, verdicts: Sequence[Verdict] | None) -> None:
    console = Console(soft_wrap=True)
    wrote = request.in_place or request.output is not None or request.do_commit
    elsewhere = wrote or request.check or request.do_verify
    diff = request.show_diff or (not elsewhere and len(result.files) == 1)
    for each in result.files:
        if diff and isinstance(each.outcome, Converted):
            text = "".join(_diff(str(each.file.path), each.before, each.outcome.text))
            if console.is_terminal:
                console.print(Syntax(text, "diff", background_color="default"))
            else:
                click.echo(text, nl=False)
        if request.explain and isinstance(each.outcome, Converted):
            for change in each.outcome.changes:
                click.echo(f"{each.file.path}:{change.line}:{change.column}: [{change.rule}] {change.why}")
    _print_findings(result, reports)
    if request.check:
        _print_changing(result)
    elif not diff:
        _print_files(console, result, reports)
        if result.names != NO_NAMES:
            _print_renames(console, result)
    if verdicts is not None:
        from flyte_bridge.verify.report import print_table

        print_table(verdicts, console)
        if request.on == "local":
            tell(
                "both sides ran in local mode, where tasks share files and memory; --on embedded gives each a process",
                err=True,
            )
    _print_summary(result, reports, wrote=wrote)


def _print_findings(result: ProjectResult, reports: Reports) -> None:
    for each in result.files:
        for finding in reports[id(each.outcome)]:
            click.echo(f"{finding}\n    {finding.advice}", err=True)


def _print_changing(result: ProjectResult) -> None:
    """The files that are not as conversion would leave them, a line each: tables of thousands of rows take seconds."""
    for each in result.files:
        if not isinstance(each.outcome, Unchanged):
            what = "would change" if isinstance(each.outcome, Converted) else "cannot be converted"
            click.echo(f"{each.file.path}: {what}")


def _print_files(console: Console, result: ProjectResult, reports: Reports) -> None:
    table = Table(title="Files", title_justify="left")
    for heading in ("file", "outcome", "by hand", "to check", "notes"):
        table.add_column(heading, overflow="fold")
    for each in result.files:
        counts = Counter(finding.severity for finding in reports[id(each.outcome)])
        numbers = [str(counts[severity] or "") for severity in (Severity.HAND, Severity.CHECK, Severity.NOTE)]
        table.add_row(str(each.file.path), state(each.outcome), *numbers)
    console.print(table)


def _print_renames(console: Console, result: ProjectResult) -> None:
    table = Table(title="Names: what CI jobs, references and dashboards must now say", title_justify="left")
    table.add_column("Flyte 1", overflow="fold")
    table.add_column("Flyte 2", overflow="fold")
    for old, new in sorted(result.names.entities.items()):
        table.add_row(old, new)
    for old, plan in sorted(result.names.launch_plans.items()):
        table.add_row(f"launch plan {old}", f"{plan.task}, trigger {plan.trigger}")
    console.print(table)


def _print_summary(result: ProjectResult, reports: Reports, *, wrote: bool) -> None:
    counts = Counter(state(each.outcome) for each in result.files)
    hand = sum(finding.severity is Severity.HAND for each in result.files for finding in each.outcome.findings)
    parts = [f"{counts[state]} {state}" for state in ("converted", "unchanged", "failed") if counts[state]]
    text = f"{', '.join(parts)}; {hand} place{'s' * (hand != 1)} left to do by hand"
    if quiet := hand - sum(_needs_hand([finding]) for findings in reports.values() for finding in findings):
        text += f", {quiet} of them not reported, as you asked"
    if counts["converted"] and not wrote:
        text += "; nothing written (use -o DIR or --in-place)"
    tell(text, err=True)
