"""Resources: requests and limits, accelerator and shared memory become one `flyte.Resources`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work
from flyte_bridge_translators.source.settings import accelerators

NAME = "flytekit.Resources"

FIELDS: Mapping[str, str] = {"cpu": "cpu", "mem": "memory", "gpu": "gpu", "ephemeral_storage": "disk"}
"""Flyte 1 field → Flyte 2 field, in the order of both signatures."""

PAIRED = frozenset({"cpu", "memory"})
"""What Flyte 2 takes as (request, limit)."""


@dataclass(frozen=True)
class Amount:
    """One field: what it requests and, when that is another thing, what it is limited to; Python text."""

    request: str
    limit: str | None = None


Amounts = dict[str, Amount]
"""Flyte 2 field → amount."""


def convert(work: Work, call: cst.Call) -> Doc | None:
    """`flytekit.Resources(…)` as `flyte.Resources(…)`."""
    amounts = _of_call(work, call)
    return _doc(work, amounts, call) if amounts is not None else None


def merged(work: Work, settings: Mapping[str, cst.BaseExpression], where: cst.CSTNode) -> Doc | None:
    """The one `flyte.Resources` for `requests`, `limits`, `resources`, `accelerator` and `shared_memory`.

    Args:
        work: The translator at work.
        settings: Those settings, as written, by name; others are passed over.
        where: Where to report.

    Returns:
        None when there is nothing to set or it could not be read (and was reported).
    """
    wanted = {name: value for name, value in settings.items() if name in KEYWORDS and not arguments.is_none(value)}
    if not wanted:
        return None
    whole = [wanted[name] for name in ("resources", "requests", "limits") if name in wanted]
    extra = {name: value for name, value in wanted.items() if name in {"accelerator", "shared_memory"}}
    if len(whole) == 1 and not extra:
        return work.doc(whole[0])
    if len(whole) == 2 and not extra and code(whole[0]) == code(whole[1]):
        return work.doc(whole[0])
    amounts: Amounts = {}
    for node in whole:
        found = read(work, node)
        if found is None:
            return _unread(work, node, whole, extra, where)
        for field, amount in found.items():
            _add(amounts, field, amount)
    more = _extra(work, extra, amounts.get("gpu"))
    return _doc(work, amounts, where, more)


KEYWORDS = frozenset({"requests", "limits", "resources", "accelerator", "shared_memory"})
"""Parameters of a task that end up in `flyte.Resources`."""


def read(work: Work, node: cst.BaseExpression) -> Amounts | None:
    """The amounts of a `Resources`, written here, in a constant of this file, or in one of another file of the project;
    for a constant they are said through its name."""
    value = work.value(node)
    if isinstance(value, cst.Call) and work.qualified(value) == NAME:
        amounts = _of_call(work, value)
        if amounts is None or value is node:
            return amounts
        return _through(code(node), amounts)
    found = work.context.resources(work.qualified(node))
    if found is None:
        return None
    amounts = {}
    for field, text in found:
        amounts[FIELDS[field]] = _amount(FIELDS[field], parsed(text))
    return _through(code(node), amounts)


def _through(name: str, amounts: Amounts) -> Amounts:
    """The same amounts, said as attributes of a name; pairs and plain counts, which are looked into, stay literal."""
    return {
        field: Amount(f"{name}.{field}")
        if amount.limit is None and not (field == "gpu" and amount.request.isdigit())
        else amount
        for field, amount in amounts.items()
    }


def _of_call(work: Work, call: cst.Call) -> Amounts | None:
    given = arguments.read(call, tuple(FIELDS))
    if given.stars or given.extra:
        work.report("FB302", call, f"{code(call)} is computed; write its fields out")
        return None
    amounts: Amounts = {}
    for field, value in given.named.items():
        if arguments.is_none(value):
            continue
        if field not in FIELDS:
            work.report("FB301", call, f"Resources has no field {field}")
            continue
        amounts[FIELDS[field]] = _amount(FIELDS[field], value)
    return amounts


def _amount(field: str, value: cst.BaseExpression) -> Amount:
    if isinstance(value, (cst.Tuple, cst.List)) and len(value.elements) == 2:
        request, limit = (_one(field, element.value) for element in value.elements)
        return Amount(request, limit if limit != request else None)
    return Amount(_one(field, value))


def _one(field: str, value: cst.BaseExpression) -> str:
    """One quantity: gpu counts are numbers in Flyte 2, memory and disk are strings."""
    known = arguments.constant(value)
    if field == "gpu":
        if isinstance(known, str) and known.strip().isdigit():
            return known.strip()
        return code(value) if known is not None else f"int({code(value)})"
    if field in {"memory", "disk"} and isinstance(known, int) and not isinstance(known, bool):
        return f'"{known}"'
    return code(value)


def _add(amounts: Amounts, field: str, amount: Amount) -> None:
    """Requests come first, limits second."""
    first = amounts.get(field)
    if first is None:
        amounts[field] = amount
    elif first.request != amount.request:
        amounts[field] = Amount(first.request, amount.limit or amount.request)


def _doc(work: Work, amounts: Amounts, where: cst.CSTNode, more: Mapping[str, Doc] | None = None) -> Doc:
    values: dict[str, Doc | None] = {}
    for field in FIELDS.values():
        amount = amounts.get(field)
        if amount is None or (field == "gpu" and amount.request == "0" and amount.limit in {None, "0"}):
            continue
        if amount.limit is None:
            values[field] = amount.request
        elif field in PAIRED:
            values[field] = layout.joined((amount.request, amount.limit))
        else:
            values[field] = amount.limit
            work.report(
                "FB322",
                where,
                f"{field} was requested as {amount.request} and limited to {amount.limit}: {amount.limit} kept",
            )
    values.update(more or {})
    work.plan.want("import flyte")
    return layout.call("flyte.Resources", **values)


def _extra(work: Work, extra: Mapping[str, cst.BaseExpression], gpu: Amount | None) -> dict[str, Doc]:
    more: dict[str, Doc] = {}
    if "accelerator" in extra:
        count = (gpu.limit or gpu.request) if gpu is not None else "1"
        device = accelerators.gpu(work, extra["accelerator"], count)
        if device is not None:
            more["gpu"] = device
    if "shared_memory" in extra:
        shared = extra["shared_memory"]
        known = arguments.constant(shared)
        if known is not False:
            more["shm"] = '"auto"' if known is True else code(shared)
    return more


def _unread(
    work: Work,
    node: cst.BaseExpression,
    whole: list[cst.BaseExpression],
    extra: Mapping[str, cst.BaseExpression],
    where: cst.CSTNode,
) -> Doc | None:
    if len(whole) == 1:
        # Only the accelerator and the shared memory are added to something that will be a `flyte.Resources`.
        more = _extra(work, extra, None)
        work.plan.want("import dataclasses")
        return layout.call("dataclasses.replace", code(node), **more)
    work.report(
        "FB321", where, f"{' and '.join(code(each) for each in whole)} cannot be read here; only the first was kept"
    )
    return code(whole[0])
