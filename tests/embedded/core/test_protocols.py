"""One port, every protocol: Connect and gRPC-web over HTTP/1.1, gRPC over h2c; dead streams are freed."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from flyteidl2.project import project_service_pb2 as pb
from flyteidl2.project.project_service_connect import ProjectServiceClient
from flyteidl2.workflow import run_service_pb2
from flyteidl2.workflow.run_service_connect import RunServiceClient

import admitted
from flyte_bridge.embedded import rpc

from .client import DOMAIN, PROJECT, Client, action_id, refused, sleep_inputs, sleep_spec
from .conftest import running

if TYPE_CHECKING:
    from .conftest import Running

_PATH = "/flyteidl2.project.ProjectService/"


def _post(server: Running, rpc_name: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(
        f"{server.sdk_url}{_PATH}{rpc_name}",
        body,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def test_connect_over_http_1(server: Running) -> None:
    """The SDK's own protocol: Connect over HTTP/1.1, compressed."""

    async def ask() -> str:
        async with ProjectServiceClient(server.sdk_url) as client:
            return (await client.get_project(pb.GetProjectRequest(id=PROJECT))).project.id

    assert asyncio.run(ask()) == PROJECT


def test_connect_errors_have_their_code(server: Running) -> None:
    """A refusal reaches a Connect client with code and text."""

    async def ask() -> None:
        async with ProjectServiceClient(server.sdk_url) as client:
            await client.get_project(pb.GetProjectRequest(id="none"))

    with pytest.raises(ConnectError, match="does not exist") as caught:
        asyncio.run(ask())
    assert caught.value.code is Code.NOT_FOUND


def test_json_is_understood(server: Running) -> None:
    """Connect's JSON form, as curl would send it."""
    status, _, body = _post(server, "GetProject", b'{"id": "flytesnacks"}', content_type="application/json")
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    assert (status, json.loads(body)["project"]["id"]) == (200, PROJECT)


def test_grpc_web(server: Running) -> None:
    """gRPC-web over HTTP/1.1, as a browser's console would send it."""
    message = pb.GetProjectRequest(id=PROJECT).SerializeToString()
    frame = struct.pack(">BI", 0, len(message)) + message
    status, _, body = _post(server, "GetProject", frame, content_type="application/grpc-web+proto")
    assert status == 200
    flags, length = struct.unpack(">BI", body[:5])
    assert pb.GetProjectResponse.FromString(body[5 : 5 + length]).project.id == PROJECT
    assert b"grpc-status: 0" in body[5 + length :].lower()
    assert flags == 0


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x7f"])
def test_a_malformed_message_is_the_callers_mistake(server: Running, body: bytes) -> None:
    """Bytes that are no message are INVALID_ARGUMENT, by Connect and by gRPC; JSON that is none too."""
    status, _, answer = _post(server, "GetProject", body, content_type="application/proto")
    assert (status, json.loads(answer)["code"]) == (400, "invalid_argument")
    status, _, answer = _post(server, "GetProject", b"{nonsense", content_type="application/json")
    assert (status, json.loads(answer)["code"]) == (400, "invalid_argument")
    with admitted.channel(server.endpoint, server.access) as channel:
        call = channel.unary_unary(f"{_PATH}GetProject")
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "GetProjectRequest"):
            call(body)


def test_a_message_too_large_is_refused(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit a message is RESOURCE_EXHAUSTED, and the connection lives on."""
    with admitted.channel(server.endpoint, server.access, [("grpc.max_send_message_length", -1)]) as channel:
        call = channel.unary_unary(f"{_PATH}GetProject")
        with refused(grpc.StatusCode.RESOURCE_EXHAUSTED):
            call(pb.GetProjectRequest(id="x" * (rpc.MAX_MESSAGE + 1)).SerializeToString(), timeout=60)
        assert call(pb.GetProjectRequest(id=PROJECT).SerializeToString(), timeout=10)


@pytest.mark.parametrize(
    "path",
    [
        "/flyteidl2.app.AppService/Create",
        "/flyteidl2.workflow.TrackedRunService/CreateTrackedRun",
        "/flyteidl2.actions.ActionsService/Update",
        "/flyteidl2.no.SuchService/Call",
    ],
)
def test_what_there_is_not_is_unimplemented_by_name(server: Running, path: str) -> None:
    """An RPC that is not part of the backend is UNIMPLEMENTED, names itself, and leaves the connection usable."""
    with admitted.channel(server.endpoint, server.access) as channel:
        with refused(grpc.StatusCode.UNIMPLEMENTED, path.rpartition("/")[2]):
            channel.unary_unary(path)(b"", timeout=10)
        assert channel.unary_unary(f"{_PATH}GetProject")(pb.GetProjectRequest(id=PROJECT).SerializeToString())


def test_a_path_nobody_has_is_not_found(server: Running) -> None:
    """Plain HTTP to nowhere is 404."""
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.sdk_url}/no/such/path", timeout=10)


_WATCHERS = """
import sys, threading, admitted
from flyte_bridge.embedded_client import access
from flyteidl2.common import identifier_pb2
from flyteidl2.workflow import run_service_pb2, run_service_pb2_grpc
channel = admitted.channel(sys.argv[1], access.Access(sys.argv[5]))
stub = run_service_pb2_grpc.RunServiceStub(channel)
run = identifier_pb2.RunIdentifier(project=sys.argv[2], domain=sys.argv[3], name=sys.argv[4])
streams = [stub.WatchActions(run_service_pb2.WatchActionsRequest(run_id=run)) for _ in range(50)]
for stream in streams:
    next(stream)
print("watching", flush=True)
threading.Event().wait()
"""


def _watchers(server: Running) -> int:
    return sum(len(found) for topic, found in server.backend.hub._topics.items() if topic[0] == "run")


def _until_free(server: Running) -> None:
    ends = time.monotonic() + 10
    while _watchers(server):
        assert time.monotonic() < ends, f"{_watchers(server)} streams of a dead client are still held"
        time.sleep(0.02)


def test_streams_of_a_killed_grpc_client_are_freed(server: Running, client: Client) -> None:
    """Fifty streams of a client that is killed are gone without anything being sent on them."""
    run = client.sleeping(600)
    command = [sys.executable, "-c", _WATCHERS, server.endpoint, PROJECT, DOMAIN, run, server.access.token]
    env = {**os.environ, "PYTHONPATH": str(Path(admitted.__file__).parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        assert _watchers(server) == 50
        process.kill()
    _until_free(server)


def test_a_connect_stream_whose_client_hangs_up_is_freed(server: Running, client: Client) -> None:
    """The same over HTTP/1.1."""
    run = client.sleeping(600)

    async def watch() -> None:
        async with RunServiceClient(server.sdk_url) as connect:
            request = run_service_pb2.WatchActionDetailsRequest(action_id=action_id(run))
            stream = connect.watch_action_details(request)
            async for response in stream:
                assert response.details.id.name == "a0"
                break

    asyncio.run(watch())
    _until_free(server)


def test_a_client_that_hangs_up_in_the_middle_of_a_request_harms_nobody(server: Running, client: Client) -> None:
    """Half a request, then silence: the server goes on."""
    host, port = server.endpoint.split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST /flyteidl2.project.ProjectService/GetProject HTTP/1.1\r\n")
            connection.sendall(f"host: {server.endpoint}\r\nauthorization: Bearer {server.access.token}\r\n".encode())
            connection.sendall(b"content-type: application/proto\r\ncontent-length: 100\r\n\r\nabc")
    assert client.list_runs() == []


def test_streams_end_when_the_server_stops(tmp_path: Path) -> None:
    """A stream of a backend that stops ends with UNAVAILABLE, upon which clients come back."""
    with running(tmp_path / "data") as server, admitted.channel(server.endpoint, server.access) as channel:
        client = Client(channel)
        stream = client.watch(client.sleeping(600))
        next(stream)
        server.do(server.backend.hub.close)
        with refused(grpc.StatusCode.UNAVAILABLE, "stopping"):
            list(stream)


def test_a_task_spec_of_megabytes_passes(client: Client) -> None:
    """A spec of a few megabytes is no problem."""
    spec = sleep_spec()
    spec.documentation.long_description = "x" * 4_000_000
    assert client.create(spec, inputs=sleep_inputs(0))
