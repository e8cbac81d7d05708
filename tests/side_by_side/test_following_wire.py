"""One endpoint for both Flytes as others reach it: `flyte-bridge serve` by gRPC and REST, and whose token goes where."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import grpc
import pytest
from flyteidl.admin import common_pb2, execution_pb2, launch_plan_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import admin_pb2_grpc

from flyte_bridge.side_by_side.following import SIDE

from .conftest import DOMAIN, PROJECT, VERSION
from .test_following import MOVED, RESTING, both, create, execution_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.config import Settings
    from flyte_bridge.side_by_side.control_plane import ControlPlane

    from .conftest import TwoSides

__all__ = ["both"]


class Gateway(NamedTuple):
    """A gateway that others reach."""

    grpc: str
    rest: str

    def stub(self, channel: grpc.Channel) -> Any:
        return admin_pb2_grpc.AdminServiceStub(channel)

    def get(self, path: str, token: str = "") -> tuple[int, Any]:
        """The status and the JSON of a REST answer."""
        host = self.rest.removeprefix("http://").partition("/")[0]
        connection = http.client.HTTPConnection(host, timeout=60)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read() or b"null")
        finally:
            connection.close()


@contextmanager
def serving(**env: str) -> Iterator[Gateway]:
    """`flyte-bridge serve` until the block ends."""
    command = [sys.executable, "-m", "flyte_bridge_cli.main", "serve", "--port", "0", "--http-port", "0"]
    with subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("REST at "):
                    break
            found = re.search(r"control plane at (\S+),", said)
            assert found is not None, said
            yield Gateway(found[1], said.rpartition("REST at ")[2].strip())
        finally:
            process.terminate()
            process.wait(60)


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


def test_by_grpc_and_rest(two: TwoSides, both: Settings) -> None:
    """Both tell executions of both sides, filtered, in one order, page by page, with where each is; strangers are told nothing."""
    assert two.v2.access is not None
    token = two.v2.access.token
    names = {"v1": "wireone", "v2": "wiretwo"}
    two.run(lambda v1, _: v1.create(create(RESTING, names["v1"])))
    listed = common_pb2.ResourceListRequest(
        id=common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN),
        limit=1,
        filters="value_in(name,wireone;wiretwo;wirethree)",
        sort_by=common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING),
    )
    with serving(**two.env) as gateway, grpc.insecure_channel(gateway.grpc) as channel:
        stub = gateway.stub(channel)
        stub.CreateExecution(create(MOVED, names["v2"]), metadata=bearer(token))
        stub.CreateExecution(create(RESTING, "wirethree"), metadata=bearer(token))
        told, token_of_page = [], ""
        while True:
            listed.token = token_of_page
            page = stub.ListExecutions(listed, metadata=bearer(token))
            told += [(one.id.name, one.spec.annotations.values[SIDE]) for one in page.executions]
            token_of_page = page.token
            if not token_of_page:
                break
        assert told == [("wirethree", "v1"), ("wiretwo", "v2"), ("wireone", "v1")]
        path = f"/api/v1/executions/{PROJECT}/{DOMAIN}"
        asked = "?limit=10&filters=value_in(name,wireone;wiretwo)&sort_by.key=created_at&sort_by.direction=ASCENDING"
        status, page = gateway.get(path + asked.replace(";", "%3B"), token)
        assert status == 200, page
        assert [(one["id"]["name"], one["spec"]["annotations"]["values"][SIDE]) for one in page["executions"]] == [
            ("wireone", "v1"),
            ("wiretwo", "v2"),
        ]
        for side, name in names.items():
            request = execution_pb2.WorkflowExecutionGetRequest(id=execution_id(name))
            assert stub.GetExecution(request, metadata=bearer(token)).spec.annotations.values[SIDE] == side
            status, one = gateway.get(f"{path}/{name}", token)
            assert (status, one["spec"]["annotations"]["values"][SIDE]) == (200, side)
        with pytest.raises(grpc.RpcError) as refused:
            stub.ListExecutions(listed)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
        assert gateway.get(path + "?limit=1")[0] == 401

    async def where(v1: ControlPlane, v2: ControlPlane) -> None:
        for plane, name in ((v1, "wireone"), (v2, "wiretwo"), (v1, "wirethree")):
            await plane.execution(execution_id(name))

    two.run(where)


class Listener(grpc.GenericRpcHandler):
    """Stands where Flyte 1 would, and notes by whom it is called."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        metadata = dict(details.invocation_metadata)
        self.heard.append((details.method.rpartition("/")[2], str(metadata.get("authorization", ""))))
        plan = launch_plan_pb2.LaunchPlan(id=create(RESTING, "").spec.launch_plan).SerializeToString()
        return grpc.unary_unary_rpc_method_handler(lambda _, __: plan)


@contextmanager
def listening() -> Iterator[tuple[Listener, str]]:
    listener = Listener()
    server = grpc.server(ThreadPoolExecutor(2), handlers=(listener,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield listener, f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait(30)


@pytest.mark.parametrize("behind", ["the embedded backend", "an endpoint"])
def test_whose_token_goes_where(two: TwoSides, behind: str) -> None:
    """Callers' own tokens go to Flyte 1; this gateway's own only for those who have the embedded backend's, never for strangers."""
    assert two.v2.access is not None
    token = two.v2.access.token
    plan = common_pb2.ObjectGetRequest(
        id=identifier_pb2.Identifier(
            resource_type=identifier_pb2.LAUNCH_PLAN, project=PROJECT, domain=DOMAIN, name=RESTING, version=VERSION
        )
    )
    with listening() as (listener, flyte_1):
        env = {**two.env, "FLYTE_BRIDGE_V1_ENDPOINT": flyte_1, "FLYTE_BRIDGE_V1_TOKEN": "of-the-gateway"}
        if behind == "an endpoint":
            env |= {"FLYTE_BRIDGE_ENDPOINT": two.v2.endpoint, "FLYTE_BRIDGE_INSECURE": "true"}
        with serving(**env) as gateway, grpc.insecure_channel(gateway.grpc) as channel:
            stub = gateway.stub(channel)
            assert stub.GetLaunchPlan(plan, metadata=bearer(token)).id == plan.id
            assert gateway.get(f"/api/v1/launch_plans/{PROJECT}/{DOMAIN}/{RESTING}/{VERSION}", token)[0] == 200
            wanted = "of-the-gateway" if behind == "the embedded backend" else token
            assert listener.heard == [("GetLaunchPlan", f"Bearer {wanted}")] * 2
            for nobody in ([], bearer("made-up")):
                with pytest.raises(grpc.RpcError) as refused:
                    stub.GetLaunchPlan(plan, metadata=nobody)
                assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]
            assert len(listener.heard) == 2
