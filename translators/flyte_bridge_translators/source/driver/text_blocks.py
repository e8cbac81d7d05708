"""Pieces of a driver's text: coroutines, blocks, comments, long lines."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from flyte_bridge_translators.source.driver.expression_parts import targets_renamed
from flyte_bridge_translators.source.driver.steps import CallStep, PlainStep
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.syntax import assign, chain, parsed
from flyte_bridge_translators.source.engine.tree import children, code, walk


def coroutine(
    name: str, parameters: Sequence[str], lines: list[cst.BaseStatement], returns: str | None = None
) -> cst.FunctionDef:
    """`async def name(...):` with a blank line around it."""
    return cst.FunctionDef(
        name=cst.Name(name),
        params=cst.Parameters([cst.Param(cst.Name(one)) for one in parameters]),
        body=cst.IndentedBlock(tidy(lines) or [cst.SimpleStatementLine([cst.Pass()])]),
        asynchronous=cst.Asynchronous(),
        returns=cst.Annotation(parsed(returns)) if returns is not None else None,
        leading_lines=[cst.EmptyLine(indent=False)],
    )


def started(value: cst.BaseExpression) -> cst.BaseExpression:
    """`asyncio.create_task(...)`; a gather has started already, and is no coroutine."""
    if isinstance(value, cst.Call) and code(value.func) == "asyncio.gather":
        return value
    return cst.Call(chain("asyncio.create_task"), [cst.Arg(value)])


def with_bindings(lines: list[cst.BaseStatement], known: frozenset[str], head: int) -> list[cst.BaseStatement]:
    """The lines of a driver in which every variable that a coroutine binds with `nonlocal` is bound by the driver too."""
    wanted: dict[str, None] = {}
    bound: set[str] = set(known)
    inside = False
    stack: list[tuple[cst.CSTNode, bool]] = [(line, inside) for line in reversed(lines)]
    while stack:
        node, inside = stack.pop()
        if isinstance(node, cst.Nonlocal):
            wanted.update(dict.fromkeys(item.name.value for item in node.names))
        elif isinstance(node, (cst.AssignTarget, cst.AnnAssign, cst.For, cst.NamedExpr, cst.AsName)) and not inside:
            target = node.name if isinstance(node, cst.AsName) else node.target
            if isinstance(target, cst.BaseExpression):
                bound.update(name.value for name in reading.targets(target))
        inner = inside or isinstance(node, (cst.FunctionDef, cst.Lambda))
        if not isinstance(node, cst.BaseExpression):
            stack += [(child, inner) for child in children(node)]
    missing = [name for name in wanted if name not in bound]
    made = [assign(cst.Name(name), cst.Name("None")) for name in missing]
    return [*lines[:head], *made, *lines[head:]]


def with_lines(block: cst.BaseSuite, lines: Sequence[cst.BaseStatement]) -> cst.IndentedBlock:
    """A block with other statements in it; the comments beside its header and at its end stay."""
    if isinstance(block, cst.IndentedBlock):
        return block.with_changes(body=lines)
    return cst.IndentedBlock(lines)


def tidy(lines: Sequence[cst.BaseStatement]) -> list[cst.BaseStatement]:
    """Comments that wait for a line go to the next one; a blank line follows a coroutine, none comes first."""
    out: list[cst.BaseStatement] = []
    pending: list[cst.EmptyLine] = []
    for line in lines:
        comments = _comments_of(line)
        if comments is not None:
            pending += comments
            continue
        held = list(getattr(line, "leading_lines", ()))
        if pending:
            held = [*pending, *_without_blank(held)]
            pending = []
        beside_function = isinstance(line, cst.FunctionDef) or (bool(out) and isinstance(out[-1], cst.FunctionDef))
        if not out:
            held = _without_blank(held)
        elif beside_function and not (held and held[0].comment is None):
            held = [cst.EmptyLine(indent=False), *held]
        out.append(line.with_changes(leading_lines=held))
    return out


def _without_blank(lines: list[cst.EmptyLine]) -> list[cst.EmptyLine]:
    while lines and lines[0].comment is None:
        lines = lines[1:]
    return lines


_COMMENT = "__flyte_bridge_comment__"


def comment_line(line: cst.EmptyLine) -> cst.BaseStatement:
    """A comment that waits for the next statement; `tidy` puts it there."""
    return cst.SimpleStatementLine([cst.Expr(cst.Name(_COMMENT))], leading_lines=[line])


def _comments_of(line: cst.BaseStatement) -> list[cst.EmptyLine] | None:
    if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
        only = line.body[0]
        if isinstance(only, cst.Expr) and isinstance(only.value, cst.Name) and only.value.value == _COMMENT:
            return list(line.leading_lines)
    return None


def leading(rewrite: Rewrite, line: cst.BaseStatement) -> list[cst.EmptyLine]:
    """The lines above a statement, with what other translators have to say there."""
    held = rewrite.above(line)
    trailing = getattr(line, "trailing_whitespace", None)
    if trailing is not None and trailing.comment is not None and not alone(line):
        held.append(cst.EmptyLine(comment=trailing.comment))
    return held


def block_comments(block: cst.BaseSuite) -> tuple[list[cst.EmptyLine], list[cst.EmptyLine]]:
    """The comments of a block that belong to none of its statements: those beside its header and those at its end."""
    if not isinstance(block, cst.IndentedBlock):
        return [], []
    header = [cst.EmptyLine(comment=block.header.comment)] if block.header.comment is not None else []
    return header, [cst.EmptyLine(comment=line.comment) for line in block.footer if line.comment is not None]


def beside(step: CallStep) -> list[cst.EmptyLine]:
    """The comment at the end of the line of a call that goes into a gather."""
    line = step.line
    if not isinstance(line, cst.SimpleStatementLine) or not alone(line) or step.owner is not None:
        return []
    return [cst.EmptyLine(comment=line.trailing_whitespace.comment)]


def whole(rewrite: Rewrite, line: cst.BaseStatement) -> list[cst.BaseStatement]:
    """A statement nobody takes apart, with its edits; of one that goes, its comments."""
    if rewrite.is_removed(line):
        return [comment_line(one) for one in getattr(line, "leading_lines", ()) if one.comment is not None]
    changed = rewrite(line)
    return [
        one
        for one in (changed if isinstance(changed, cst.FlattenSentinel) else [changed])
        if isinstance(one, cst.BaseStatement)
    ]


def with_lead(line: cst.BaseStatement, lead: Sequence[cst.EmptyLine]) -> cst.BaseStatement:
    """A statement with lines above it."""
    if not lead:
        return line
    return line.with_changes(leading_lines=[*lead, *getattr(line, "leading_lines", ())])


def alone(line: cst.BaseStatement) -> bool:
    return isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1


def with_trailing(new: cst.BaseStatement, line: cst.BaseStatement) -> cst.BaseStatement:
    if isinstance(new, cst.SimpleStatementLine) and isinstance(line, cst.SimpleStatementLine):
        return new.with_changes(trailing_whitespace=line.trailing_whitespace)
    return new


def broken(line: cst.BaseStatement, width: int) -> cst.BaseStatement:
    """A long line with the arguments of its outermost call on lines of their own, as formatters write it."""
    if not isinstance(line, cst.SimpleStatementLine) or _is_short(line, width - 4):
        return line
    if len(code(line.with_changes(leading_lines=[]))) <= width - 4:
        return line
    small = line.body[0]
    if not isinstance(small, (cst.Expr, cst.Assign, cst.Return)) or small.value is None:
        return line
    return line.with_changes(body=[small.with_changes(value=_broken_value(small.value, width - 4))])


def _is_short(line: cst.SimpleStatementLine, width: int) -> bool:
    """Whether a line is short for sure: to count its words takes a tenth of the time that emitting it does."""
    room = width - len(line.body)
    for small in line.body:
        for node in walk(small):
            value = getattr(node, "value", None)
            room -= len(value) + 2 if isinstance(value, str) else 6
            if room < 0:
                return False
    return True


def _broken_value(value: cst.BaseExpression, room: int) -> cst.BaseExpression:
    if isinstance(value, cst.Await):
        return value.with_changes(expression=_broken_value(value.expression, room))
    if not isinstance(value, cst.Call) or not value.args:
        return value
    gather = code(value.func) == "asyncio.gather"
    if "\n" in code(value) and not gather:
        return value
    inner = cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace("    "))
    outer = cst.ParenthesizedWhitespace(indent=True)
    last = value.args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    one_line = code(value.with_changes(func=cst.Name("f"), args=[*value.args[:-1], last]))
    if (len(one_line) <= room - 4 and "\n" not in one_line) or last.star:
        arguments = [*value.args[:-1], last.with_changes(whitespace_after_arg=outer)]
    else:
        arguments = [one.with_changes(comma=cst.Comma(whitespace_after=inner)) for one in value.args[:-1]]
        arguments.append(last.with_changes(comma=cst.Comma(whitespace_after=outer)))
    return value.with_changes(args=arguments, whitespace_before_args=inner)


def tuple_of(values: Sequence[cst.BaseExpression]) -> cst.BaseExpression:
    """`a, b`, or `a` when there is one."""
    if len(values) == 1:
        return values[0]
    return cst.Tuple([cst.Element(one) for one in values], lpar=[], rpar=[])


def parenthesized(target: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(target, cst.Tuple):
        return target.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return target


def renamed_targets(step: PlainStep, line: cst.BaseStatement) -> cst.BaseStatement:
    if not step.renamed or not isinstance(line, cst.SimpleStatementLine):
        return line
    body: list[cst.BaseSmallStatement] = []
    for small in line.body:
        if isinstance(small, cst.Assign):
            targets = [one.with_changes(target=targets_renamed(step, one.target)) for one in small.targets]
            body.append(small.with_changes(targets=targets))
        elif isinstance(small, cst.AnnAssign):
            body.append(small.with_changes(target=targets_renamed(step, small.target)))
        else:
            body.append(small)
    return line.with_changes(body=body)
