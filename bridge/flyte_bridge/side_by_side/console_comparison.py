"""Two runs of one Flyte 2, compared for the console, which stands below this room and is handed this function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.service import Facade
    from flyte_bridge.side_by_side.control_plane import ExecutionId


async def compare_runs(
    facade: Facade, context: CallContext, left: ExecutionId, right: ExecutionId
) -> Mapping[str, Any]:
    """What `flyte-bridge compare --json` would say of two runs.

    Args:
        facade: Flyte 1's control plane over the Flyte 2.
        context: Who asks.
        left: The first.
        right: The second.

    Raises:
        FailedPrecondition: One of them has not ended.
        NotFound: There is no such run.
        StatusError: The Flyte 2 fails.
    """
    # the engine of a comparison takes longer to import than a backend to start
    from flyte_bridge.side_by_side.comparing import CompareOptions, SideExecution, compare_pair
    from flyte_bridge.side_by_side.control_plane import ControlPlane
    from flyte_bridge.side_by_side.report import to_json
    from flyte_bridge.side_by_side.sides import FacadeCaller

    plane = ControlPlane("this Flyte 2", FacadeCaller(facade, context.metadata), facade.storage)
    told: Mapping[str, Any] = to_json(
        await compare_pair(SideExecution(plane, left), SideExecution(plane, right), CompareOptions())
    )
    return told
