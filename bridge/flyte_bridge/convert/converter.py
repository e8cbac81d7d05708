"""One file: bytes in, an outcome out. Parse once, run the translators in order, render.

The translators are pure and get a parsed `Module`; here is everything around them that can go wrong: encodings, syntax,
and defects of our own, each of which becomes a finding and never a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import libcst as cst

from flyte_bridge_translators import source as flyte1_source
from flyte_bridge_translators.findings import Finding, Where
from flyte_bridge_translators.findings.catalogue import CATALOGUE
from flyte_bridge_translators.project.notebook import Notebook
from flyte_bridge_translators.project.notebook import read as read_notebook
from flyte_bridge_translators.source.check.result import checked
from flyte_bridge_translators.source.engine import python_text
from flyte_bridge_translators.source.engine.edits import failure
from flyte_bridge_translators.source.engine.entities import Facts, read, with_environments
from flyte_bridge_translators.source.engine.holdings_reader import holdings_of
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.names import NOTHING_KNOWN, Search
from flyte_bridge_translators.source.engine.naming import NO_NAMES, Naming
from flyte_bridge_translators.source.engine.passed_on import uses
from flyte_bridge_translators.source.engine.translator import (
    Context,
    Converted,
    Failed,
    Options,
    Outcome,
    Unchanged,
    convert,
)
from flyte_bridge_translators.source.settings.environment import assign, kept


@dataclass(frozen=True)
class SourceFile:
    """One file to convert.

    Attributes:
        path: What the user calls it.
        name: Its dotted module name.
        package: The package its relative imports start from.
        data: Its bytes.
        search: Where its absolute imports are looked up; see `Names`.
        naming: What its entities are called after; by default its module's name.
        notebook: What its bytes are the Python of, when it is one.
    """

    path: str
    name: str
    package: str
    data: bytes
    search: Search = ()
    naming: Naming | None = None
    notebook: Notebook | None = None


@dataclass(frozen=True)
class Parsed:
    """A file that was read: its module and facts, or why it could not be."""

    source: SourceFile
    module: Module | None
    facts: Facts
    failure: Failed | None = None


def failed(code: str, path: str, message: str, line: int = 0, column: int = 0) -> Failed:
    """A `Failed` outcome with one finding of the catalogue."""
    entry = CATALOGUE[code]
    return Failed((Finding(code, entry.severity, Where(path, line, column), message, entry.advice),))


def parse(source: SourceFile) -> Parsed:
    """Parse one file and read its facts; what cannot be parsed comes back as a failure with its place."""
    nothing = Facts(source.name)
    if not source.data.strip():
        return Parsed(source, None, nothing)
    try:
        tree = cst.parse_module(source.data)
    except cst.ParserSyntaxError as error:
        message = error.message.splitlines()[0] if error.message else "syntax error"
        line, column = max(error.raw_line, 1), max(error.raw_column, 0)
        return Parsed(source, None, nothing, failed("FB101", source.path, f"syntax error: {message}", line, column))
    except (UnicodeDecodeError, LookupError, SyntaxError) as error:
        return Parsed(source, None, nothing, failed("FB102", source.path, f"not in the encoding it declares: {error}"))
    except RecursionError:
        return Parsed(source, None, nothing, failed("FB101", source.path, "nested too deeply to be read"))
    return _read(source, tree)


def again(parsed: Parsed, known: Mapping[str, str]) -> Parsed:
    """A file read again, now that names of other modules are known to stand for Flyte 1's; itself when it uses none of them."""
    module = parsed.module
    if module is None or not uses(module, known):
        return parsed
    return _read(parsed.source, (module.before or module).tree, known)


def _read(source: SourceFile, tree: cst.Module, known: Mapping[str, str] = NOTHING_KNOWN) -> Parsed:
    try:
        module = Module(
            tree,
            text=_text(source.data, tree.encoding),
            path=source.path,
            name=source.name,
            package=source.package,
            search=source.search,
            naming=source.naming,
            is_notebook=source.notebook is not None,
            known=known,
        )
        module = flyte1_source.written_out(module)
        facts = replace(read(module), holdings=holdings_of(module).holdings())
        facts = with_environments(facts, assign(module, facts))
        facts = replace(facts, place=module.naming.place, kept_environments=kept(module, facts))
    except Exception as error:
        return Parsed(source, None, Facts(source.name), _defect(source.path, error))
    return Parsed(source, module, facts)


def parse_notebook(source: SourceFile) -> Parsed:
    """Parse the cells of a notebook, together; what is none that can be read comes back as a failure."""
    try:
        notebook = read_notebook(source.data.decode("utf-8"))
    except (ValueError, KeyError) as error:
        why = "its bytes are no UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        return Parsed(source, None, Facts(source.name), failed("FB607", source.path, why))
    return parse(replace(source, data=notebook.script.encode(), notebook=notebook))


def convert_parsed(parsed: Parsed, context: Context) -> Outcome:
    """Run the translators on one parsed file."""
    if parsed.failure is not None:
        return parsed.failure
    module = parsed.module
    if module is None:
        return Unchanged()
    module.names.learn(context.exports)
    try:
        outcome = convert(module, context)
        if isinstance(outcome, Converted):
            _check(module, outcome.text)
            outcome = checked(module, context, outcome)
    except Exception as error:
        return _defect(parsed.source.path, error)
    return outcome


def convert_source(
    text: str | bytes, *, path: str = "<string>", name: str = "module", options: Options | None = None
) -> Outcome:
    """Convert one file on its own.

    Args:
        text: The source.
        path: What to call it in findings.
        name: Its dotted module name: environments are named after it.
        options: The user's choices.
    """
    data = text.encode() if isinstance(text, str) else text
    table = options.table if options is not None else NO_NAMES
    parsed = parse(SourceFile(path, name, name.rpartition(".")[0], data, naming=Naming(name, table)))
    return convert_parsed(parsed, flyte1_source.context({name: parsed.facts}, options))


def encoded(parsed: Parsed, outcome: Converted) -> bytes:
    """The bytes of a converted file, in the encoding of the original."""
    assert parsed.module is not None
    tree = parsed.module.tree
    mark = b"\xef\xbb\xbf" if parsed.source.data.startswith(b"\xef\xbb\xbf") else b""
    text = outcome.text.encode(tree.encoding)
    return text if text.startswith(mark) else mark + text


def _check(module: Module, after: str) -> None:
    """Compile the result: a syntax error in it is a defect of ours, unless the original has it too (newer Python)."""
    if not python_text.compiles(after, is_notebook=module.is_notebook) and python_text.compiles(
        module.text, is_notebook=module.is_notebook
    ):
        python_text.check(after, "<converted>", is_notebook=module.is_notebook)


def _text(data: bytes, encoding: str) -> str:
    """The text as LibCST sees it: decoded, without a byte order mark."""
    return data.decode(encoding).removeprefix("\ufeff")


def _defect(path: str, error: Exception) -> Failed:
    return failed("FB106", path, failure(error))
