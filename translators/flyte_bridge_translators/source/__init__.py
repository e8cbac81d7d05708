"""Flyte 1 Python text to Flyte 2 Python text: one module per Flyte 1 concept, in the order of `TRANSLATORS`."""

from __future__ import annotations

from flyte_bridge_translators.source.check import captured
from flyte_bridge_translators.source.data import bodies, enum, named_types, optional
from flyte_bridge_translators.source.driver import workflow
from flyte_bridge_translators.source.engine import imports
from flyte_bridge_translators.source.engine.translator import Translator
from flyte_bridge_translators.source.runtime import checkpoint, context, deck, errors, leftovers, logger, main_block
from flyte_bridge_translators.source.settings import environment, launch_plan, setting, task

TRANSLATORS: tuple[Translator, ...] = (
    environment.translate,
    task.translate,
    launch_plan.translate,
    setting.translate,
    workflow.translate,
    main_block.translate,
    context.translate,
    deck.translate,
    checkpoint.translate,
    logger.translate,
    errors.translate,
    bodies.translate,
    named_types.translate,
    optional.translate,
    enum.translate,
    leftovers.translate,
)
"""Every translator, in order: where two claim the same node, the earlier wins."""

FINISHERS = (captured.translate, imports.translate)
"""Run after `TRANSLATORS`, with the merged plan in hand."""
