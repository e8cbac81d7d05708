"""Flyte 1 Python text to Flyte 2 Python text: one module per Flyte 1 concept, in the order of `TRANSLATORS`."""

from __future__ import annotations

from flyte_bridge_translators.source import (
    checkpoint,
    context,
    data,
    deck,
    enum,
    environment,
    errors,
    imports,
    launch_plan,
    leftovers,
    logger,
    main_block,
    optional,
    settings,
    task,
    types,
    workflow,
)
from flyte_bridge_translators.source.translator import Translator

TRANSLATORS: tuple[Translator, ...] = (
    environment.translate,
    task.translate,
    launch_plan.translate,
    settings.translate,
    workflow.translate,
    main_block.translate,
    context.translate,
    deck.translate,
    checkpoint.translate,
    logger.translate,
    errors.translate,
    data.translate,
    types.translate,
    optional.translate,
    enum.translate,
    leftovers.translate,
)
"""Every translator, in order: where two claim the same node, the earlier wins."""

FINISHERS = (imports.translate,)
"""Run after `TRANSLATORS`, with the merged plan in hand."""
