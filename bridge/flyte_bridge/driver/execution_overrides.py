"""What an execution sets for its tasks and a backend does not see to.

| setting | the embedded backend | a real one (2.0) | here |
|---|---|---|---|
| interruptible of a node | by run | by run | the node's own, else the execution's, else the workflow's default |
| overwrite_cache | computes, and stores | looks the result up all the same | there, computed and not stored |
| prefix of raw outputs | yes | stored only | there, written into the command |

Sources: `flytepropeller/pkg/controller/nodes/node_exec_context.go` (a node's own interruptible goes before the execution's),
`flyteworkflow/v1alpha1/workflow.go` (`IsInterruptible`); `executor/pkg/plugin` of Flyte 2 (nobody reads the others).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from flyteidl2.task import run_pb2

from flyte_bridge_translators.wire import process

if TYPE_CHECKING:
    from flyteidl2.core import tasks_pb2

    from flyte_bridge.driver.scope import NodeUnderWay
    from flyte_bridge_translators.flyte1.nodes import Node

EMBEDDED = "FLYTE_BRIDGE_EMBEDDED"
"""The variable that the embedded backend gives to the driver, unless it behaves as a real one."""

_RAW_OUTPUT = re.compile(r"\{\{\s*[.$]rawOutputDataPrefix\s*\}\}", re.IGNORECASE)


def embedded() -> bool:
    """Whether it is the embedded backend that runs this process."""
    return EMBEDDED in os.environ


def apply(step: NodeUnderWay[Node], template: tasks_pb2.TaskTemplate) -> None:
    """Set in a task's template what the execution asks for.

    Args:
        step: The task's node.
        template: Changed in place.
    """
    settings = step.execution.settings
    wanted = interruptible(step)
    if wanted is not None:
        template.metadata.interruptible = wanted
    if embedded():
        return
    if settings.overwrite_cache:
        template.metadata.discoverable = False
    if settings.raw_output_prefix:
        place = f"{settings.raw_output_prefix.rstrip('/')}/{step.execution.action.run.name}/{step.uid}"
        words = process.arguments(template)
        process.set_arguments(template, [_RAW_OUTPUT.sub(place, word) for word in words])


def interruptible(step: NodeUnderWay[Node]) -> bool | None:
    """Whether a node may be interrupted; None if nobody says."""
    own = step.node.overrides.interruptible
    if own is not None:
        return own
    if step.execution.settings.interruptible is not None:
        return step.execution.settings.interruptible
    return True if step.execution.interruptible else None


def own_run_spec(step: NodeUnderWay[Node]) -> run_pb2.RunSpec | None:
    """The run's spec with what its node may be instead; None where the run's own will do."""
    spec, wanted = step.execution.run_spec, interruptible(step)
    if wanted is None or (spec.HasField("interruptible") and spec.interruptible.value == wanted):
        return None
    result = run_pb2.RunSpec()
    result.CopyFrom(spec)
    result.interruptible.value = wanted
    return result
