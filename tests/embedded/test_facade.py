"""Flyte 1's control plane on the embedded backend's own port, for a gRPC client as every flytekit is one."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from flyteidl.admin import version_pb2
from flyteidl.service import admin_pb2_grpc, dataproxy_pb2, dataproxy_pb2_grpc, identity_pb2, identity_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc

import admitted
from flyte_bridge.embedded_client import snippets
from flyte_bridge_translators.wire.identifier import run_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flyte_bridge.embedded_client.instance import Instance


@pytest.fixture
def channel(backend: Instance) -> Iterator[grpc.Channel]:
    """A channel to where `flyte-bridge up` sends flytekit."""
    told = snippets.flytekit_environment(backend)
    assert told["FLYTE_PLATFORM_INSECURE"] == "true"
    with admitted.channel(told["FLYTE_PLATFORM_URL"], backend.access) as channel:
        yield channel


def test_flyte_1s_services_answer_beside_flyte_2s(channel: grpc.Channel) -> None:
    """Health, identity and uploads, on the port of the rest."""
    health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert identity_pb2_grpc.IdentityServiceStub(channel).UserInfo(identity_pb2.UserInfoRequest()).subject
    content = b"by way of Flyte 1"
    expires = Duration()
    expires.FromTimedelta(timedelta(minutes=1))
    location = dataproxy_pb2_grpc.DataProxyServiceStub(channel).CreateUploadLocation(
        dataproxy_pb2.CreateUploadLocationRequest(
            project=snippets.PROJECT,
            domain=snippets.DOMAIN,
            filename="file.txt",
            content_md5=hashlib.md5(content).digest(),
            expires_in=expires,
        )
    )
    request = urllib.request.Request(
        location.signed_url, data=content, method="PUT", headers=dict(location.headers.items())
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert response.status == 200


def test_what_flyte_1_refuses_arrives_as_its_status(channel: grpc.Channel) -> None:
    """A refusal is a gRPC status with words that name what is refused, for known and for unknown RPCs."""
    upload = dataproxy_pb2_grpc.DataProxyServiceStub(channel).CreateUploadLocation
    with pytest.raises(grpc.RpcError) as refusal:
        upload(dataproxy_pb2.CreateUploadLocationRequest())
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    events = admin_pb2_grpc.AdminServiceStub(channel).CreateWorkflowEvent
    from flyteidl.admin import event_pb2

    with pytest.raises(grpc.RpcError) as refusal:
        events(event_pb2.WorkflowExecutionEventRequest())
    assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "CreateWorkflowEvent" in refusal.value.details()
    unknown = channel.unary_unary(
        "/flyteidl.service.NoService/Nothing",
        request_serializer=version_pb2.GetVersionRequest.SerializeToString,
        response_deserializer=version_pb2.GetVersionResponse.FromString,
    )
    with pytest.raises(grpc.RpcError) as refusal:
        unknown(version_pb2.GetVersionRequest())
    assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_the_urls_that_flytekit_prints_lead_to_the_console(backend: Instance) -> None:
    """An execution's to its run, whatever its name had to become; an entity's to its deployed task; a list to its list."""
    where = f"{backend.url}/console/projects/p%20q/domains/development"
    long = "a-name-that-is-too-long-for-a-run-of-flyte-2"
    for path, leads_to in (
        ("/executions/exec1", "runs/exec1"),
        (f"/executions/{long}/nodes", f"runs/{run_name(long)}"),
        ("/workflow/pkg.wf/version/v1", "tasks/flyte1.workflow.pkg.wf"),
        ("/launch_plan/pkg.lp/version/v1", "tasks/flyte1.launch-plan.pkg.lp"),
        ("/task/pkg.t/version/v1", "tasks/flyte1.task.pkg.t"),
        ("/workflows", "workflows"),
    ):
        connection = http.client.HTTPConnection(backend.endpoint, timeout=30)
        connection.request("GET", where.removeprefix(backend.url) + path, headers=admitted.headers(backend.access))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 302
        assert answer.headers["location"] == f"/v2/domain/development/project/p%20q/{leads_to}"
