"""`flyte-bridge convert`: Flyte 1 source to Flyte 2 source, shown, written, checked or proved."""

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
from flyte_bridge.verify.report import differs, print_table, to_json
from flyte_bridge_cli.main import EXIT_USAGE
from flyte_bridge_cli.options import rules_option
from flyte_bridge_translators.findings import Finding, Severity
from flyte_bridge_translators.source.engine.translator import RETRIES, Converted, Failed, Options, Outcome

if TYPE_CHECKING:
    from flyte_bridge.verify.verify import Verdict

EXIT_DONE = 0
"""Nothing to do, or everything converted and nothing left to do by hand."""
EXIT_WOULD_CHANGE = 1
"""`--check` only: files would change."""
EXIT_HAND = 3
"""Converted, but something is left to do by hand: look for `TODO(flyte-bridge FBnnn)`."""
EXIT_FAILED = 4
"""At least one file could not be converted; the others were."""
EXIT_DIFFERENT = 5
"""`--verify` only: at least one workflow does not do the same as before (or could not be run in one of the two)."""

EXIT_CODES = {
    EXIT_DONE: "nothing to do, or everything converted",
    EXIT_WOULD_CHANGE: "with --check: files would change",
    EXIT_USAGE: "the command line is wrong",
    EXIT_HAND: "converted, but something is left to do by hand",
    EXIT_FAILED: "a file could not be converted",
    EXIT_DIFFERENT: "with --verify: a workflow differs",
}

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code}  {meaning}" for code, meaning in sorted(EXIT_CODES.items()))


@click.command(name="convert", epilog=EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Write the converted tree below DIR."
)
@click.option("--in-place", is_flag=True, help="Write over the files, each in one step.")
@click.option("--diff", "show_diff", is_flag=True, help="Show what would change as a unified diff; write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when files would change.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
@click.option("--explain", is_flag=True, help="For each changed place, say which rule changed it and why.")
@click.option("--select", metavar="CODES", help="Report only these finding codes or prefixes (FB2,FB301).")
@click.option("--ignore", metavar="CODES", help="Do not report these finding codes or prefixes.")
@click.option(
    "--verify",
    "do_verify",
    is_flag=True,
    help="Run each workflow in Flyte 1 and its conversion in Flyte 2 and compare.",
)
@click.option(
    "--inputs",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Inputs for --verify, YAML or JSON: {workflow: {argument: value}}.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="For --verify: how long one workflow may run.",
)
@click.option("--tasks", is_flag=True, help="For --verify: also run the tasks that no workflow uses.")
@click.option(
    "--python",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="PATH",
    help="For --verify: the interpreter that has the project's packages, flytekit and flyte among them.",
)
@rules_option
@click.option(
    "--retries",
    type=click.Choice(RETRIES),
    default=RETRIES[0],
    show_default=True,
    help="keep: the same number, though Flyte 2 retries every exception; faithful: only recoverable errors, as in Flyte 1.",
)
def command(
    paths: tuple[Path, ...],
    output: Path | None,
    in_place: bool,
    show_diff: bool,
    check: bool,
    as_json: bool,
    explain: bool,
    select: str | None,
    ignore: str | None,
    do_verify: bool,
    inputs: Path | None,
    timeout: float,
    tasks: bool,
    python: Path | None,
    rules: Path | None,
    retries: str,
) -> None:
    """Rewrite Flyte 1 source (flytekit) into Flyte 2 source (flyte).

    PATH is a file, a directory, or - for standard input (the result goes to standard output). Without -o or --in-place
    nothing is written: one file is shown as a diff, several as a table.
    """
    if sum(map(bool, (output, in_place, show_diff, check))) > 1:
        raise UsageError("--output, --in-place, --diff and --check exclude each other: choose one")
    for name, given in (("--inputs", inputs), ("--tasks", tasks), ("--python", python), ("--rules", rules)):
        if given and not do_verify:
            raise UsageError(f"{name} is for --verify: add it")
    wanted = _Wanted(_codes(select), _codes(ignore))
    options = Options(retries=retries, explain=explain)
    if any(str(path) == "-" for path in paths):
        if len(paths) > 1 or output or in_place or do_verify:
            raise UsageError(
                "- reads one file from standard input: give it alone, without --output, --in-place or --verify"
            )
        sys.exit(_filter(options, wanted, show_diff=show_diff, check=check, as_json=as_json))
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise UsageError(f"{path}: no such file or directory")

    if do_verify and python is None and find_spec("flytekit") is None:
        raise UsageError(
            "--verify runs Flyte 1, and flytekit is not installed here (it needs Python 3.12 or older): "
            "name one that has it with --python, or leave --verify out"
        )

    errors = Console(stderr=True)
    files = find(paths)
    if not files:
        raise UsageError(f"{', '.join(map(str, paths))}: no Python files there")
    with _progress(errors) as told:
        result = convert_files(files, options, progress=told)
    if in_place:
        write_in_place(result)
    elif output is not None:
        write_to(result, output)
    verdicts = _verify(result, inputs, _How(timeout, tasks, python, rules), errors) if do_verify else None

    if as_json:
        click.echo(json.dumps(_document(result, wanted, verdicts, explain=explain), indent=2, ensure_ascii=False))
    else:
        _print(
            result,
            wanted,
            verdicts,
            explain=explain,
            diff=show_diff or (not (output or in_place or check or do_verify) and len(files) == 1),
            wrote=in_place or output is not None,
        )
    sys.exit(_exit_code(result, verdicts, check=check))


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


def _filter(options: Options, wanted: _Wanted, *, show_diff: bool, check: bool, as_json: bool) -> int:
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
        return EXIT_FAILED
    if check:
        return EXIT_WOULD_CHANGE if isinstance(outcome, Converted) else EXIT_DONE
    return EXIT_HAND if _needs_hand([outcome]) else EXIT_DONE


@dataclass(frozen=True)
class _How:
    """How to verify: seconds for a workflow, lone tasks too, which interpreter runs both sides, what counts as the same."""

    timeout: float
    tasks: bool
    python: Path | None
    rules: Path | None


def _verify(result: ProjectResult, inputs: Path | None, how: _How, errors: Console) -> list[Verdict]:
    """Run every converted workflow on both sides; what is going on is told on standard error, where that is a terminal."""
    from flyte_bridge.verify import rules, rules_file
    from flyte_bridge.verify.inputs import read_file
    from flyte_bridge.verify.verify import Change, staged, verify

    given = read_file(inputs) if inputs is not None else None
    changes = [Change(each.file.path, each.file.name, each.data) for each in result.files if each.data is not None]
    with errors.status("verifying") as status, staged(changes) as pairs:
        return verify(
            pairs,
            inputs=given,
            timeout=how.timeout,
            progress=status.update,
            tasks=how.tasks,
            rules=rules_file.read(how.rules) if how.rules is not None else rules.USUAL,
            # Not resolved: a virtual environment's interpreter is a link, and finds its packages by where the link is.
            python=str(how.python.absolute()) if how.python is not None else sys.executable,
        )


def _needs_hand(outcomes: Sequence[Outcome]) -> bool:
    return any(finding.severity is Severity.HAND for outcome in outcomes for finding in outcome.findings)


def _exit_code(result: ProjectResult, verdicts: Sequence[Verdict] | None, *, check: bool) -> int:
    outcomes = [each.outcome for each in result.files]
    if any(isinstance(outcome, Failed) for outcome in outcomes):
        return EXIT_FAILED
    if verdicts is not None and differs(verdicts):
        return EXIT_DIFFERENT
    if check:
        return EXIT_WOULD_CHANGE if any(isinstance(outcome, Converted) for outcome in outcomes) else EXIT_DONE
    return EXIT_HAND if _needs_hand(outcomes) else EXIT_DONE


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
    click.echo(text, err=True)


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
