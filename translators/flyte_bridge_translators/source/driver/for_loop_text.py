"""Writes a `for` loop with calls: one gather, a loop over gathered results, or a loop that awaits tasks in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from flyte_bridge_translators.source.driver.steps import CallStep
from flyte_bridge_translators.source.driver.text_blocks import coroutine, started, tidy, tuple_of, with_lead, with_lines
from flyte_bridge_translators.source.engine import reading
from flyte_bridge_translators.source.engine.edits import Rewrite
from flyte_bridge_translators.source.engine.syntax import assign, chain

if TYPE_CHECKING:
    from flyte_bridge_translators.source.driver.for_loops import ForStep


def loop_names(node: cst.For) -> tuple[str, ...]:
    """The loop's variables."""
    return tuple(name.value for name in reading.targets(node.target))


def called(name: str, node: cst.For) -> cst.Call:
    """The coroutine of one iteration, called with the loop's variables."""
    return cst.Call(cst.Name(name), [cst.Arg(cst.Name(one)) for one in loop_names(node)])


def gathered(node: cst.For, element: cst.BaseExpression, over: cst.BaseExpression) -> cst.Call:
    """`asyncio.gather(*(element for target in over))`."""
    generator = cst.GeneratorExp(
        element, cst.CompFor(node.target, over), lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
    )
    return cst.Call(chain("asyncio.gather"), [cst.Arg(generator, star="*")])


def render_for(step: ForStep, rewrite: Rewrite) -> list[cst.BaseStatement]:
    """The loop in Flyte 2."""
    node = step.node
    assert step.rest is not None
    rest = step.rest.statements(rewrite)
    over = rewrite(node.iter)
    out: list[cst.BaseStatement] = []
    if step.ahead is None:
        return [_loop(node, node.target, over, rest)]
    if "items" in step.names:
        out.append(assign(cst.Name(step.names["items"]), cst.Call(cst.Name("list"), [cst.Arg(over)])))
        over = cst.Name(step.names["items"])
    made = step.ahead.writer(rewrite)
    wanted = made.outward()
    only = step.ahead.body.steps[0] if len(step.ahead.body.steps) == 1 else None
    told: list[cst.EmptyLine] = []
    if isinstance(only, CallStep) and step.ahead.direct_step(only) and not only.callee.prepares:
        element, target = only.callee.awaitable(rewrite), made.pattern(only, wanted)
        told = made.comments(only)
    else:
        lines, target = made.function(wanted)
        out.append(coroutine(step.names["one"], loop_names(node), lines))
        element = called(step.names["one"], node)
    if step.calls_in_turn:
        tasks = cst.ListComp(started(element), cst.CompFor(node.target, over))
        all_started = assign(cst.Name(step.names["tasks"]), tasks)
        out.append(with_lead(all_started, told) if target is None else all_started)
        if target is None:
            # Nothing in turn needs them, so nothing in turn waits for them.
            out.append(_loop(node, node.target, over.deep_clone(), rest))
            pending = cst.Call(chain("asyncio.gather"), [cst.Arg(cst.Name(step.names["tasks"]), star="*")])
            out.append(cst.SimpleStatementLine([cst.Expr(cst.Await(pending))]))
            return tidy(out)
        first = with_lead(assign(target, cst.Await(cst.Name(step.names["task"]))), told)
        pair = tuple_of([_wrapped(node.target), cst.Name(step.names["task"])])
        zipped = cst.Call(cst.Name("zip"), [cst.Arg(over.deep_clone()), cst.Arg(cst.Name(step.names["tasks"]))])
        out.append(_loop(node, pair, zipped, [first, *rest]))
        return tidy(out)
    results = cst.Await(gathered(node, element, over))
    if target is None:
        out.append(cst.SimpleStatementLine([cst.Expr(results)], leading_lines=told))
        return tidy([*out, _loop(node, node.target, over.deep_clone(), rest)] if rest else out)
    if rest:
        rest = [with_lead(rest[0], told), *rest[1:]]
    if not _uses_names(step):
        out.append(_loop(node, target, results, rest))
        return tidy(out)
    pair = tuple_of([_wrapped(node.target), _wrapped(target)])
    out.append(_loop(node, pair, cst.Call(cst.Name("zip"), [cst.Arg(over.deep_clone()), cst.Arg(results)]), rest))
    return tidy(out)


def _uses_names(step: ForStep) -> bool:
    """Whether what is done in turn, or anything after the loop, reads the loop's variables."""
    assert step.rest is not None
    names = set(loop_names(step.node))
    return bool(names & step.rest.live) or any(read.name in names for one in step.rest.body.steps for read in one.reads)


def _wrapped(target: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(target, cst.Tuple) and not target.lpar:
        return target.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return target


def _loop(
    node: cst.For, target: cst.BaseExpression, over: cst.BaseExpression, lines: list[cst.BaseStatement]
) -> cst.For:
    body = with_lines(node.body, tidy(lines) or [cst.SimpleStatementLine([cst.Pass()])])
    return node.with_changes(target=target, iter=over, body=body, leading_lines=[])
