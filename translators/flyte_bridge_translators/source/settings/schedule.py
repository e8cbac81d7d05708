"""Schedules: `CronSchedule` and `FixedRate` become `flyte.Cron` and `flyte.FixedRate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.cron import ALIASES, five_fields
from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work

CRON = "flytekit.CronSchedule"
FIXED_RATE = "flytekit.FixedRate"

CRON_SIGNATURE = ("cron_expression", "schedule", "offset", "kickoff_time_input_arg")
RATE_SIGNATURE = ("duration", "kickoff_time_input_arg")

UNITS: Mapping[str, int] = {
    "weeks": 10_080_000_000 * 60,
    "days": 1_440_000_000 * 60,
    "hours": 60_000_000 * 60,
    "minutes": 60_000_000,
    "seconds": 1_000_000,
    "milliseconds": 1_000,
    "microseconds": 1,
}
"""Parameters of `timedelta`, in microseconds."""


@dataclass(frozen=True)
class Automation:
    """When a trigger fires.

    Attributes:
        doc: The `automation` of the trigger.
        kickoff: The workflow's parameter that gets the time, as Python text of a string.
    """

    doc: Doc
    kickoff: str | None = None


def automation(work: Work, node: cst.BaseExpression, where: cst.CSTNode) -> Automation | None:
    """The automation a launch plan's schedule becomes; None (and a finding) when it cannot be said."""
    value = work.value(node)
    name = work.qualified(value)
    if isinstance(value, cst.Call) and name == CRON:
        return _cron(work, value, where)
    if isinstance(value, cst.Call) and name == FIXED_RATE:
        return _rate(work, value, where)
    work.report("FB346", where, f"the schedule {code(node)} cannot be read here")
    return None


KICKOFF = "kickoff_time_input_arg"


def _kickoff(given: arguments.Arguments) -> str | None:
    node = given.named.get(KICKOFF)
    return None if node is None or arguments.is_none(node) else code(node)


def kickoff_of(name: str | None, value: cst.BaseExpression | None) -> cst.BaseExpression | None:
    """The argument of a schedule that says which input gets the time it fires at; None when none does.

    Args:
        name: The Flyte 1 name of what makes the schedule.
        value: The call that makes it.
    """
    signature = {CRON: CRON_SIGNATURE, FIXED_RATE: RATE_SIGNATURE}.get(name or "")
    node = arguments.read(value, signature).named.get(KICKOFF) if signature and value is not None else None
    return None if arguments.is_none(node) else node


def _cron(work: Work, call: cst.Call, where: cst.CSTNode) -> Automation | None:
    given = arguments.read(call, CRON_SIGNATURE)
    if given.stars:
        work.report("FB346", where, f"{code(call)} is computed")
        return None
    if not arguments.is_none(given.named.get("offset")):
        work.report(
            "FB345",
            where,
            f"the offset {code(given.named['offset'])} was left out: Flyte 2 has none; shift the expression",
        )
    old, node = given.named.get("cron_expression"), given.named.get("schedule")
    work.plan.want("import flyte")
    if node is None or arguments.is_none(node):
        if old is None or arguments.is_none(old):
            work.report("FB346", where, f"{code(call)} has no schedule")
            return None
        known = arguments.constant(work.value(old))
        if not isinstance(known, str):
            work.report("FB346", where, f"{code(old)} is an expression of six fields, which is not known here")
            return None
        expression = five_fields(known)
        if expression is None:
            work.report("FB346", where, f'"{known}" uses L, W, # or a year, which five fields cannot say')
            return None
        work.report("FB345", where, f'"{known}" (AWS, six fields) became "{expression}"')
        return Automation(layout.call("flyte.Cron", layout.quoted(expression)), _kickoff(given))
    known = arguments.constant(work.value(node))
    if not isinstance(known, str):
        known = work.context.string(work.module.names.qualified(node))
    if not isinstance(known, str):
        if not isinstance(node, cst.FormattedString):
            work.report("FB345", where, f"{code(node)} is not known here: Flyte 2 knows no names such as @daily")
        return Automation(layout.call("flyte.Cron", work.doc(node)), _kickoff(given))
    expression = ALIASES.get(known.lower(), known)
    if len(expression.split()) == 6:
        work.report("FB346", where, f'"{known}" has a field for seconds, which Flyte 2 does not have')
        return None
    text = code(node) if expression == known else layout.quoted(expression)
    return Automation(layout.call("flyte.Cron", text), _kickoff(given))


def _rate(work: Work, call: cst.Call, where: cst.CSTNode) -> Automation | None:
    given = arguments.read(call, RATE_SIGNATURE)
    duration = given.named.get("duration")
    if duration is None or given.stars:
        work.report("FB346", where, f"{code(call)} has no duration")
        return None
    work.plan.want("import flyte")
    minutes = whole_minutes(work.value(duration))
    if minutes is None:
        text = code(duration)
        return Automation(
            layout.call("flyte.FixedRate", interval_minutes=f"int({text}.total_seconds() // 60)"), _kickoff(given)
        )
    return Automation(layout.call("flyte.FixedRate", interval_minutes=str(minutes)), _kickoff(given))


def whole_minutes(node: cst.BaseExpression) -> int | None:
    """The minutes of a `timedelta(…)` of literals; None when it is something else."""
    if not isinstance(node, cst.Call) or code(node.func).rpartition(".")[2] != "timedelta":
        return None
    given = arguments.read(node, ("days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"))
    total = 0.0
    for name, value in given.named.items():
        known = arguments.constant(value)
        if name not in UNITS or isinstance(known, (bool, str)) or known is None:
            return None
        total += known * UNITS[name]
    minutes, rest = divmod(total, UNITS["minutes"])
    return int(minutes) if given.named and not rest and not given.stars else None
