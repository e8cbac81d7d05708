"""Inputs, uploads, translation, and the protocols on the one port."""

from __future__ import annotations

import hashlib
import json
import urllib.request
import uuid
from typing import TYPE_CHECKING

import pytest
from connectrpc.code import Code
from connectrpc.protocol import ProtocolType
from flyteidl2.artifact import artifact_service_connect
from flyteidl2.cluster import payload_pb2 as cluster_pb2
from flyteidl2.cluster import service_connect as cluster_connect
from flyteidl2.common import identifier_pb2
from flyteidl2.dataproxy import dataproxy_service_pb2
from flyteidl2.project import project_service_connect, project_service_pb2
from flyteidl2.workflow import run_service_pb2, translator_service_pb2

from .contract import DOMAIN, put, refused, sleep_inputs, sleep_spec

if TYPE_CHECKING:
    from .contract import Flyte2


def test_inputs_are_read_back(flyte2: Flyte2) -> None:
    """GetActionData gives the inputs a run was made with, inline or uploaded before."""
    inline = flyte2.start(0.25)
    spec = sleep_spec(flyte2.task_id("contract.sleep"))
    uploaded = flyte2.data.upload_inputs(
        dataproxy_service_pb2.UploadInputsRequest(
            project_id=identifier_pb2.ProjectIdentifier(organization="local", name=flyte2.project, domain=DOMAIN),
            task_spec=spec,
            inputs=sleep_inputs(0.5),
        )
    ).offloaded_input_data
    assert uploaded.uri
    assert uploaded.inputs_hash
    run_id = flyte2.run_id()
    flyte2.runs.create_run(
        run_service_pb2.CreateRunRequest(run_id=run_id, task_spec=spec, offloaded_input_data=uploaded)
    )
    for run, seconds in ((inline, 0.25), (run_id.name, 0.5)):
        request = dataproxy_service_pb2.GetActionDataRequest(action_id=flyte2.action_id(run))
        (literal,) = flyte2.data.get_action_data(request).inputs.literals
        assert literal.name == "duration"
        assert literal.value.scalar.primitive.duration.ToNanoseconds() == int(seconds * 1e9)
        flyte2.wait(run)


def test_a_file_is_uploaded_by_signed_url(flyte2: Flyte2) -> None:
    """CreateUploadLocation's URL takes a PUT; the same file again is fine, another under its name ALREADY_EXISTS."""
    content = b"print('hello')"
    root = uuid.uuid4().hex

    def locate(data: bytes) -> dataproxy_service_pb2.CreateUploadLocationResponse:
        return flyte2.data.create_upload_location(
            dataproxy_service_pb2.CreateUploadLocationRequest(
                org="local",
                project=flyte2.project,
                domain=DOMAIN,
                filename="code.tar.gz",
                filename_root=root,
                content_md5=hashlib.md5(data, usedforsecurity=False).digest(),
                content_length=len(data),
                add_content_md5_metadata=True,  # else the Go backend cannot tell what is there
            )
        )

    location = locate(content)
    with urllib.request.urlopen(put(location, content), timeout=30) as response:
        assert response.status in {200, 201, 204}
    assert location.native_url.endswith("code.tar.gz")
    assert locate(content).native_url == location.native_url
    with refused(Code.ALREADY_EXISTS):
        locate(b"something else")


def test_literals_become_a_form_and_come_back(flyte2: Flyte2) -> None:
    """The translator's JSON form of inputs, turned back, is the inputs."""
    interface = sleep_spec(flyte2.task_id("contract.sleep")).task_template.interface.inputs
    inputs = sleep_inputs(90)
    form = flyte2.translator.literals_to_launch_form_json(
        translator_service_pb2.LiteralsToLaunchFormJsonRequest(variables=interface, literals=inputs.literals)
    ).json
    back = flyte2.translator.launch_form_json_to_literals(
        translator_service_pb2.LaunchFormJsonToLiteralsRequest(json=form)
    ).literals
    assert json.dumps([str(one) for one in back]) == json.dumps([str(one) for one in inputs.literals])


def test_a_client_is_told_its_cluster(flyte2: Flyte2) -> None:
    """SelectCluster answers; an empty endpoint means this one."""
    clusters = flyte2.client(cluster_connect.ClusterServiceClientSync)
    request = cluster_pb2.SelectClusterRequest(
        project_id=identifier_pb2.ProjectIdentifier(organization="local", name=flyte2.project, domain=DOMAIN),
        operation=cluster_pb2.SelectClusterRequest.OPERATION_CREATE_UPLOAD_LOCATION,
    )
    clusters.select_cluster(request)


@pytest.mark.parametrize("protocol", [ProtocolType.CONNECT, ProtocolType.GRPC, ProtocolType.GRPC_WEB])
def test_every_protocol_is_spoken(flyte2: Flyte2, protocol: ProtocolType) -> None:
    """Connect, gRPC and gRPC-web answer alike, and refuse alike."""
    import pyqwest

    version = pyqwest.HTTPVersion.HTTP2 if protocol is ProtocolType.GRPC else pyqwest.HTTPVersion.HTTP1
    http = pyqwest.SyncClient(pyqwest.SyncHTTPTransport(http_version=version))
    projects = flyte2.client(project_service_connect.ProjectServiceClientSync, protocol=protocol, http_client=http)
    found = projects.get_project(project_service_pb2.GetProjectRequest(id=flyte2.project)).project
    assert found.id == flyte2.project
    with refused(Code.NOT_FOUND):
        projects.get_project(project_service_pb2.GetProjectRequest(id="never-made"))


def test_what_the_backend_has_not_is_unimplemented(flyte2: Flyte2) -> None:
    """A service that no open-source backend has is UNIMPLEMENTED."""
    from flyteidl2.artifact import artifact_service_pb2

    artifacts = flyte2.client(artifact_service_connect.ArtifactServiceClientSync)
    with refused(Code.UNIMPLEMENTED):
        artifacts.get_artifact(artifact_service_pb2.GetArtifactRequest())
