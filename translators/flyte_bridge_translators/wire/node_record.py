"""How the driver records the end of a node that has no action of its own, so that every backend tells it from a good one.

Such a node (an array, a child execution, a dynamic task's workflow) is recorded as a trace. The Go backend takes every trace
for succeeded (`runs/service/internal_run_service.go`) and lists no more of an action than its phase, parent and group. So one
that failed says so in its group, whatever phase the backend gives it, and names its `error.pb` where outputs would be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.common import phase_pb2

from flyte_bridge_translators.wire.phase import GOOD

if TYPE_CHECKING:
    from flyteidl2.workflow import run_definition_pb2

_FAILED = "flyte-bridge:failed"
"""The last word of such a group; no group of a user's own (`flyte.group`) ends with it."""


def failed_group(group: str) -> str:
    """The group of a node that failed.

    Args:
        group: What it would be shown under.
    """
    return f"{group} {_FAILED}".strip()


def is_failed(group: str) -> bool:
    """Whether an action's group says that it failed."""
    return group == _FAILED or group.endswith(f" {_FAILED}")


def phase_of(phase: phase_pb2.ActionPhase, group: str) -> phase_pb2.ActionPhase:
    """What an action has come to.

    Args:
        phase: The phase that the backend gives it (`ActionPhase`).
        group: Its group.
    """
    return phase_pb2.ACTION_PHASE_FAILED if phase in GOOD and is_failed(group) else phase


def read(action: run_definition_pb2.Action) -> run_definition_pb2.Action:
    """An action of a list with the phase that it has come to."""
    phase = phase_of(action.status.phase, action.metadata.group)
    if phase == action.status.phase:
        return action
    result = type(action)()
    result.CopyFrom(action)
    result.status.phase = phase
    return result
