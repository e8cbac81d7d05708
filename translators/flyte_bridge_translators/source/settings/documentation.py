"""Documentation, labels and annotations: the small records of a task or launch plan."""

from __future__ import annotations

import libcst as cst

from flyte_bridge_translators.source.engine import arguments, layout
from flyte_bridge_translators.source.engine.layout import Doc
from flyte_bridge_translators.source.engine.syntax import parsed
from flyte_bridge_translators.source.engine.tree import code
from flyte_bridge_translators.source.engine.work import Work

NAME = "flytekit.Documentation"

LABELS = frozenset({"flytekit.Labels", "flytekit.Annotations"})


def convert(work: Work, call: cst.Call) -> Doc | None:
    """`flytekit.Documentation(…)` as `flyte.Documentation(description=…)`."""
    given = arguments.read(call, ("short_description", "long_description", "source_code"))
    texts = []
    for name in ("short_description", "long_description"):
        value = given.named.get(name)
        if value is None or arguments.is_none(value):
            continue
        if isinstance(value, cst.Call) and work.qualified(value) == "flytekit.Description":
            inner = arguments.read(value, ("value",)).named
            value = inner.get("value") or inner.get("uri") or value
        texts.append(code(value))
    if not arguments.is_none(given.named.get("source_code")):
        work.report(
            "FB301", call, "the link to the source is made from the git repository now; source_code was left out"
        )
    work.plan.want("import flyte")
    return layout.call("flyte.Documentation", description=_paragraphs(texts))


def _paragraphs(texts: list[str]) -> str:
    """Both descriptions as one expression, and as one literal where both are."""
    known = [arguments.constant(parsed(text)) for text in texts]
    if all(isinstance(text, str) for text in known) and len(known) != 1:
        return layout.quoted("\n\n".join(str(text) for text in known))
    return ' + "\\n\\n" + '.join(texts)


def mapping(work: Work, call: cst.Call) -> Doc | None:
    """`Labels({…})` and `Annotations({…})` are plain dictionaries."""
    given = arguments.read(call, ("values",))
    values = given.named.get("values")
    return work.doc(values) if values is not None and not given.stars else None
