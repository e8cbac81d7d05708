"""ClusterService: there is one cluster, this one."""

from __future__ import annotations

from typing import Any

from flyteidl2.cluster import payload_pb2 as pb

from flyte_bridge.embedded.attempt_loop import CLUSTER


class ClusterService:
    """Which cluster to talk to."""

    async def select_cluster(self, _request: pb.SelectClusterRequest, _ctx: Any) -> pb.SelectClusterResponse:
        """This one: with an empty endpoint the SDK goes on with the client it has."""
        return pb.SelectClusterResponse(cluster_endpoint="", cluster=CLUSTER)
