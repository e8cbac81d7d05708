"""Values of Flyte 1's data types in bodies: one pass that tracks them once and hands them to their concepts, in order."""

from __future__ import annotations

from flyte_bridge_translators.source.data.file import Files
from flyte_bridge_translators.source.data.numbers import Numbers
from flyte_bridge_translators.source.data.outputs import ReturnRewriter
from flyte_bridge_translators.source.data.structured_dataset import Frames
from flyte_bridge_translators.source.data.values import Values
from flyte_bridge_translators.source.engine.edits import Plan
from flyte_bridge_translators.source.engine.module import Module
from flyte_bridge_translators.source.engine.translator import Context

PARTS = (Files, Frames, ReturnRewriter, Numbers)
"""Outputs come after what they wrap."""


def translate(module: Module, context: Context) -> Plan:
    """Rewrite what bodies do with files, directories, frames and outputs."""
    plan = Plan("data")
    if not module.is_flyte1 and not any(context.entity(name) for _, name in module.name_references):
        return plan
    values = Values(module, context)
    for part in PARTS:
        part(module, values, plan).run()
    return plan
