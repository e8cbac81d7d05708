"""Flyte 1 Python text to Flyte 2 Python text: one module per Flyte 1 concept, in the order of `TRANSLATORS`."""

from __future__ import annotations

from flyte_bridge_translators.source import imports, workflow
from flyte_bridge_translators.source.translator import Translator

TRANSLATORS: tuple[Translator, ...] = (workflow.translate,)
"""Every translator, in order: where two claim the same node, the earlier wins."""

FINISHERS = (imports.translate,)
"""Run after `TRANSLATORS`, with the merged plan in hand."""
