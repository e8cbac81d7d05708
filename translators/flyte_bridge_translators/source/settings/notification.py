"""Notifications of launch plans: e-mails when an execution ends."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work

KINDS: Mapping[str, str] = {
    "flytekit.Email": "Email",
    "flytekit.PagerDuty": "PagerDuty",
    "flytekit.Slack": "Slack",
}
"""All three are e-mails to a list of addresses in Flyte 1."""

SIGNATURE = ("phases", "recipients_email")

PHASES = frozenset({"ABORTED", "FAILED", "SUCCEEDED", "TIMED_OUT"})
"""The phases Flyte 1 notifies about; `flyte.models.ActionPhase` has the same names."""


def convert(work: Work, node: cst.BaseExpression, where: cst.CSTNode) -> Doc | None:
    """`notifications=` of a trigger, for a launch plan's."""
    items = work.value(node)
    if not isinstance(items, (cst.List, cst.Tuple)):
        work.report("FB342", where, f"notifications={code(node)} cannot be read here and was left out")
        return None
    made = [doc for element in items.elements if (doc := _one(work, element.value, where)) is not None]
    if not made:
        return None
    work.plan.want("import flyte.notify")
    if len(made) == 1:
        return made[0]
    return layout.Group("(", tuple(("", doc) for doc in made))


def _one(work: Work, node: cst.BaseExpression, where: cst.CSTNode) -> Doc | None:
    call = work.value(node)
    kind = KINDS.get(work.qualified(call) or "")
    given = arguments.read(call, SIGNATURE)
    phases = [phase for phase in _items(work, given.named.get("phases")) if phase in PHASES]
    addresses = given.named.get("recipients_email")
    if kind is None or not phases or addresses is None:
        work.report("FB342", where, f"the notification {code(node)} cannot be read here and was left out")
        return None
    if kind != "Email":
        work.report("FB347", where, f"{kind} notification by e-mail to {code(addresses)}")
    texts = [f"flyte.models.ActionPhase.{phase}" for phase in phases]
    known = work.value(addresses)
    recipients: Doc = (
        layout.joined([code(element.value) for element in known.elements])
        if isinstance(known, (cst.List, cst.Tuple)) and known is addresses
        else f"tuple({code(addresses)})"
    )
    return layout.call(
        "flyte.notify.Email", on_phase=texts[0] if len(texts) == 1 else layout.joined(texts), recipients=recipients
    )


def _items(work: Work, node: cst.BaseExpression | None) -> list[str]:
    """The last parts of the names in a list."""
    value = work.value(node) if node is not None else None
    if not isinstance(value, (cst.List, cst.Tuple)):
        return []
    return [code(element.value).rpartition(".")[2] for element in value.elements]
