"""Caching: every spelling of Flyte 1 becomes `cache=` of the task, with the explicit version kept.

Never of an environment: drivers would be cached too, and an automatic version does not see an edit of a helper.
"""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work

NAME = "flytekit.Cache"

KEYWORDS = frozenset({"cache", "cache_version", "cache_serialize", "cache_ignore_input_vars"})

SIGNATURE = ("version", "serialize", "ignored_inputs", "salt", "policies")


def convert(work: Work, call: cst.Call) -> Doc | None:
    """`flytekit.Cache(…)` as `flyte.Cache("auto", …)`: without a version Flyte 2 hashes the source, as Flyte 1's default
    policies did."""
    given = arguments.read(call, SIGNATURE)
    if given.stars or given.extra:
        work.report("FB302", call, f"{code(call)} is computed; write `flyte.Cache` out")
        return None
    values = {name: value for name, value in given.named.items() if not arguments.is_none(value)}
    policies = values.pop("policies", None)
    if policies is not None:
        work.report(
            "FB302",
            call,
            f"the cache policies {code(policies)} are Flyte 1 objects; give `flyte.Cache` policies with "
            "`get_version(salt, params)`",
        )
    work.plan.want("import flyte")
    return layout.call("flyte.Cache", '"auto"', **_fields(work, values))


def _fields(work: Work, values: Mapping[str, cst.BaseExpression]) -> dict[str, Doc | None]:
    fields: dict[str, Doc | None] = {}
    if "version" in values:
        fields["version_override"] = work.doc(values["version"])
    if "serialize" in values and arguments.constant(values["serialize"]) is not False:
        fields["serialize"] = work.doc(values["serialize"])
    if "ignored_inputs" in values:
        fields["ignored_inputs"] = _tuple(work, values["ignored_inputs"])
    if "salt" in values:
        fields["salt"] = work.doc(values["salt"])
    return fields


def _tuple(work: Work, node: cst.BaseExpression) -> Doc | None:
    if isinstance(node, (cst.List, cst.Tuple, cst.Set)):
        texts = [code(element.value) for element in node.elements]
        return layout.joined(texts) if texts else None
    return work.doc(node)


def setting(work: Work, settings: Mapping[str, cst.BaseExpression], where: cst.CSTNode) -> Doc | None:
    """`cache=` for the cache parameters of a task; None when it is not cached."""
    given = {name: value for name, value in settings.items() if name in KEYWORDS and not arguments.is_none(value)}
    cache = given.pop("cache", None)
    known = arguments.constant(work.value(cache)) if cache is not None else False
    if cache is None or known is False:
        if given:
            names = ", ".join(sorted(given))
            work.report("FB304", where, f"{names} without cache=True cached nothing, and still does not")
        return None
    renamed = {
        field: given[name]
        for name, field in (
            ("cache_version", "version"),
            ("cache_serialize", "serialize"),
            ("cache_ignore_input_vars", "ignored_inputs"),
        )
        if name in given
    }
    if known is True:
        fields = {name: value for name, value in _fields(work, renamed).items() if value is not None}
        if not fields:
            return '"auto"'
        work.plan.want("import flyte")
        return layout.call("flyte.Cache", '"auto"', **fields)
    if work.qualified(work.value(cache)) == NAME or not renamed:
        # A `Cache` object, written here or in a constant that is converted where it stands.
        doc = work.doc(cache)
        if isinstance(cache, (cst.Call, cst.Name, cst.Attribute)):
            return doc
        return f'"auto" if {layout.flat(doc)} else "disable"'
    cached = layout.flat(layout.call("flyte.Cache", '"auto"', **_fields(work, renamed)))
    work.plan.want("import flyte")
    return f'{cached} if {code(cache)} else "disable"'
