"""grpc.health.v1: whether the control plane answers. flytekit up to 1.2, and load balancers, ask before anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpc_health.v1 import health_pb2

from flyte_bridge.errors import NotFound

if TYPE_CHECKING:
    from flyte_bridge.admin.context import CallContext


FLYTEADMIN = "flyteadmin"
"""The one service that flyteadmin's own health server knows by name (`pkg/server/service.go`): what probes ask for."""


class Health:
    """Says of every service of the table that it is served; Flyte 2's own state shows in the calls that need it."""

    def __init__(self, _core: Any) -> None:
        from flyte_bridge.admin.methods import SERVICES

        self._served = {"", FLYTEADMIN, *(service.full_name for service in SERVICES)}

    async def check(
        self, request: health_pb2.HealthCheckRequest, _context: CallContext
    ) -> health_pb2.HealthCheckResponse:
        """SERVING; NOT_FOUND for a service that is none of Flyte 1's."""
        if request.service not in self._served:
            raise NotFound(f"unknown service {request.service!r}; served are {', '.join(sorted(self._served - {''}))}")
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
