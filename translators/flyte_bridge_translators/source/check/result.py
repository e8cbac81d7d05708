"""The check of a converted file before it is written; what fails is mended, or becomes a finding."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace

import libcst as cst

from flyte_bridge_translators.findings import Finding, Severity, Where
from flyte_bridge_translators.findings.catalogue import CATALOGUE
from flyte_bridge_translators.source.check import leftovers
from flyte_bridge_translators.source.check.import_time import lost_names
from flyte_bridge_translators.source.check.order import in_order, misplaced
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import PACKAGES, is_v1
from flyte_bridge_translators.source.engine.python_text import tree_of
from flyte_bridge_translators.source.engine.translator import Context, Converted


@dataclass(frozen=True)
class Fault:
    """Something the conversion does not do as it should: where in its text, and what."""

    code: str
    line: int
    message: str


def checked(module: Module, context: Context, converted: Converted) -> Converted:
    """A conversion that imports, and in which everything that is left of Flyte 1 is said and imported where it is needed.

    Raises:
        SyntaxError: The text does not parse, though the Flyte 1 text does: a defect of ours.
    """
    try:
        tree_of(module.text)
    except SyntaxError:  # newer Python than the one that runs us
        return converted
    text = in_order(converted.text, module.text)
    findings: list[Finding] = []
    if any(is_v1(name) for name in _imported(text)):
        text, findings = _flyte1(module, context, text)
    faults = list(_names(module, text))
    findings += [_finding(module, text, fault) for fault in faults]
    if text == converted.text and not findings:
        return converted
    every = tuple(sorted({*converted.findings, *findings}, key=_place))
    return replace(converted, text=_marked(text, faults), findings=every)


def _flyte1(module: Module, context: Context, text: str) -> tuple[str, list[Finding]]:
    """Says what is left of Flyte 1 and was not said, and puts its imports where they are needed."""
    result = _read(module, text)
    if not result.references:
        return text, []
    faults = [
        Fault("FB103", result.position(node)[0], f"{qualified} is still used here")
        for node, qualified in leftovers.unsaid(result)
    ]
    findings = [_finding(module, text, fault) for fault in faults]
    if faults:
        text = _marked(text, faults)
        result = _read(module, text)
    if not _must_import(module, context):
        return text, findings
    tree = leftovers.placed(result)
    return (text if tree is result.tree else tree.code), findings


def _imported(text: str) -> Iterator[str]:
    """The modules a text imports, anywhere in it: what is left of Flyte 1 comes by an import."""
    if not any(package in text for package in PACKAGES):
        return
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def _must_import(module: Module, context: Context) -> bool:
    """Whether anything of the file runs on Flyte 2: its own tasks, or those of a file that imports it."""
    own = context.facts.get(module.name)
    if own is not None and own.entities:
        return True
    prefix = f"{module.name}."
    return any(
        name.startswith(prefix) or name == module.name
        for facts in context.facts.values()
        for name in facts.reexports.values()
    )


def _names(module: Module, text: str) -> Iterator[Fault]:
    for use in misplaced(text, module.text):
        yield Fault("FB110", use.statement.lineno, f"`{use.name}` is used here before it is defined")
    lost = lost_names(text)
    if lost:
        lost -= lost_names(module.text)
    for node in ast.walk(tree_of(text)) if lost else ():
        if isinstance(node, ast.Name) and node.id in lost:
            lost -= {node.id}
            yield Fault("FB110", node.lineno, f"`{node.id}` is used here and defined nowhere")


def _read(module: Module, text: str) -> Module:
    return Module(
        cst.parse_module(text),
        text=text,
        path=module.path,
        name=module.name,
        package=module.names.package,
        star=module.names.star,
        search=module.names.search,
        is_notebook=module.is_notebook,
    )


def _marked(text: str, faults: list[Fault]) -> str:
    """The text with a TODO above the statement of each fault."""
    lines = text.splitlines(keepends=True)
    for fault in sorted(faults, key=lambda one: -one.line):
        first = _statement_line(text, fault.line)
        indent = lines[first - 1][: len(lines[first - 1]) - len(lines[first - 1].lstrip())]
        mark = f"{indent}# TODO(flyte-bridge {fault.code}): {fault.message}\n"
        if mark not in lines:
            lines.insert(first - 1, mark)
    return "".join(lines)


def _statement_line(text: str, line: int) -> int:
    """The first line of the innermost statement that a line belongs to, decorators included."""
    best = line
    for node in ast.walk(tree_of(text)):
        if isinstance(node, ast.stmt):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            header = node.body[0].lineno - 1 if getattr(node, "body", None) else node.end_lineno or node.lineno  # type: ignore[attr-defined]
            if first <= line <= max(header, node.lineno):
                best = first
    return best


def _finding(module: Module, text: str, fault: Fault) -> Finding:
    entry = CATALOGUE[fault.code]
    assert entry.severity is Severity.HAND
    return Finding(
        fault.code,
        entry.severity,
        Where(module.path, _source_line(module, text, fault.line)),
        fault.message,
        entry.advice,
    )


def _source_line(module: Module, text: str, line: int) -> int:
    """The line of the Flyte 1 text that a line of the result comes from, as far as its words tell; 0 for the whole file."""
    wanted = text.splitlines()[line - 1].strip()
    for number, own in enumerate(module.text.splitlines(), 1):
        if own.strip() == wanted:
            return number
    return 0


def _place(finding: Finding) -> tuple[Where, str, str]:
    return finding.where, finding.code, finding.message
