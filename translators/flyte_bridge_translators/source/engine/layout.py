"""Writing new expressions the way a formatter would: on one line when it fits, else broken by brackets.

`Doc` is what a translator builds; `of` makes one of a piece of the user's source, so that long lists of packages break again
where they must. Pieces that hold comments are left exactly as they were written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.syntax import Verbatim
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.vocabulary import parameter

NARROW, WIDE = 88, 120
"""The two line lengths in common use; a file with one longer line than the first is written to the second."""

INDENT = "    "


@dataclass(frozen=True)
class Group:
    """A bracketed list: `head(a, b)`, `[a, b]`, `{"a": 1}`; a head with dots is broken nowhere else."""

    head: str
    items: tuple[tuple[str, Doc], ...]
    tail: str = ")"


@dataclass(frozen=True)
class Chain:
    """`first(…).second(…)`: broken before each dot, inside parentheses."""

    parts: tuple[Doc, ...]


Doc = str | Group | Chain


def call(function: str, *positional: Doc, **keywords: Doc | None) -> Group:
    """A call; keywords that are None are left out, and the others go by the SDK's names of today."""
    named = ((f"{parameter(function, name)}=", value) for name, value in keywords.items() if value is not None)
    return Group(f"{function}(", (*(("", value) for value in positional), *named))


def listed(items: Iterable[Doc]) -> Group:
    """A list display."""
    return Group("[", tuple(("", item) for item in items), "]")


def width(module: Module) -> int:
    """The line length a file is written to."""
    return WIDE if any(len(line) > NARROW for line in module.text.splitlines()) else NARROW


def flat(doc: Doc) -> str:
    """The text of an expression on one line."""
    if isinstance(doc, str):
        return doc
    if isinstance(doc, Chain):
        return "".join(flat(part) for part in doc.parts)
    return doc.head + ", ".join(prefix + flat(item) for prefix, item in doc.items) + doc.tail


def render(doc: Doc, limit: int, *, column: int = 0, indent: int = 0, after: int = 0) -> str:
    """The text of an expression.

    Args:
        doc: The expression.
        limit: The line length.
        column: Where its first line starts.
        indent: The indentation of the line it starts on, in spaces.
        after: How many characters follow it on its last line.
    """
    line = flat(doc)
    if "\n" not in line and column + len(line) + after <= limit:
        return line
    if isinstance(doc, str):
        return doc
    inner = " " * (indent + len(INDENT))
    if isinstance(doc, Chain) and len(doc.parts) == 2:
        # As ruff has it: one call after another is no chain that is worth its own lines.
        head, last = flat(doc.parts[0]), doc.parts[1]
        if isinstance(last, Group) and last.items and "\n" not in head and column + len(head + last.head) <= limit:
            return head + render(last, limit, column=column + len(head), indent=indent, after=after)
    if isinstance(doc, Chain):
        lines = [render(part, limit, column=len(inner), indent=len(inner)) for part in doc.parts]
        return "(\n" + "".join(f"{inner}{part}\n" for part in lines) + " " * indent + ")"
    if not doc.items:
        return line
    together = ", ".join(prefix + flat(item) for prefix, item in doc.items)
    if "\n" not in together and len(inner) + len(together) <= limit and len(doc.items) < 4:
        return f"{doc.head}\n{inner}{together}\n{' ' * indent}{doc.tail}"
    parts = [
        f"{inner}{prefix}" + render(item, limit, column=len(inner) + len(prefix), indent=len(inner), after=1) + ",\n"
        for prefix, item in doc.items
    ]
    return f"{doc.head}\n{''.join(parts)}{' ' * indent}{doc.tail}"


def of(node: cst.BaseExpression) -> Doc:
    """An expression of the user's, ready to be broken differently; as it is when it holds a comment."""
    text = code(node)
    if "\n" not in text and len(text) < WIDE // 2:
        return text
    if "#" in text and _has_comment(node):
        return text
    if isinstance(node, (cst.List, cst.Tuple, cst.Set)) and not (isinstance(node, cst.Tuple) and not node.lpar):
        brackets = {cst.List: "[]", cst.Tuple: "()", cst.Set: "{}"}[type(node)]
        items = tuple(("", _element(element)) for element in node.elements)
        one = isinstance(node, cst.Tuple) and len(items) == 1
        return Group(brackets[0], items, "," * one + brackets[1])
    if isinstance(node, cst.Dict):
        return Group("{", tuple(_entry(element) for element in node.elements), "}")
    if isinstance(node, cst.Call) and "\n" not in code(node.func):
        return Group(f"{code(node.func)}(", tuple(_argument(argument) for argument in node.args))
    return text


def _has_comment(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Comment):
        return True
    return any(_has_comment(child) for child in node.children)


def comments(node: cst.CSTNode) -> list[str]:
    """The comments inside a node, in order."""
    if "#" not in code(node):  # most have none, and to emit a node costs less than to visit its blanks
        return []
    return _comments(node)


def _comments(node: cst.CSTNode) -> list[str]:
    if isinstance(node, cst.Comment):
        return [node.value]
    return [comment for child in node.children for comment in _comments(child)]


def _element(element: cst.BaseElement) -> Doc:
    return (
        code(element.with_changes(comma=cst.MaybeSentinel.DEFAULT))
        if isinstance(element, cst.StarredElement)
        else of(element.value)
    )


def _entry(element: cst.BaseDictElement) -> tuple[str, Doc]:
    if isinstance(element, cst.DictElement):
        return f"{code(element.key)}: ", of(element.value)
    return "**", of(element.value)


def _argument(argument: cst.Arg) -> tuple[str, Doc]:
    if argument.keyword is not None:
        return f"{argument.keyword.value}=", of(argument.value)
    return argument.star, of(argument.value)


def statement(doc: Doc, limit: int, *, target: str = "", blank: int = 0) -> cst.SimpleStatementLine:
    """`target = doc` (or the bare expression) as a statement with blank lines before it."""
    start = f"{target} = " if target else ""
    value = Verbatim(render(doc, limit, column=len(start)))
    small = cst.Assign([cst.AssignTarget(cst.Name(target))], value) if target else cst.Expr(value)
    return cst.SimpleStatementLine([small], leading_lines=[cst.EmptyLine(indent=False)] * blank)


def brief(node: cst.BaseExpression) -> str:
    """A piece of source in a message: on one line, and not all of a long one."""
    text = " ".join(code(node).split())
    return text if len(text) <= 60 else f"{text[:57]}…"


def quoted(text: str) -> str:
    """A string literal in double quotes, as formatters write it."""
    written = repr(text)
    if written.startswith("'") and '"' not in text:
        return '"' + written[1:-1].replace("\\'", "'") + '"'
    return written


def joined(texts: Sequence[str]) -> str:
    """A tuple display of texts."""
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
