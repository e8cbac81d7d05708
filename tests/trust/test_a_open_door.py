"""Loopback is not authentication: other sites' pages, other users and other programs get nothing (issue 12, A)."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
import grpc
import pytest
from botocore.config import Config as BotoConfig
from flyteidl2.project import project_service_pb2, project_service_pb2_grpc

import admitted
from flyte_bridge import config
from flyte_bridge.embedded import console_login as login
from flyte_bridge.embedded.admission import Admission
from flyte_bridge.embedded_client import instance, login_url, snippets

from .conftest import ask, user_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECTS = "/flyteidl2.project.ProjectService/ListProjects"
JSON = {"content_type": "application/json"}
CREATE_RUN = json.dumps(
    {
        "runId": {"project": "flytesnacks", "domain": "development", "name": "pwned"},
        "taskSpec": {
            "taskTemplate": {
                "id": {
                    "resourceType": "TASK",
                    "project": "flytesnacks",
                    "domain": "development",
                    "name": "x",
                    "version": "1",
                },
                "type": "python",
                "container": {"image": "x", "args": ["python3", "-c", "open('/tmp/pwned', 'w')"]},
            }
        },
    }
).encode()

DOORS = [
    ("POST", PROJECTS, b"{}"),
    ("POST", "/flyteidl2.workflow.RunService/CreateRun", CREATE_RUN),
    ("POST", "/flyteidl.service.AdminService/ListProjects", b"{}"),
    ("GET", "/api/v1/projects", None),
    ("GET", "/v2/domain/development/project/flytesnacks", None),
    ("GET", "/", None),
    ("GET", "/flyte?list-type=2", None),
    ("GET", "/no/such/path", None),
    ("POST", "/oauth2/token", b"grant_type=client_credentials"),
]
"""Each kind of thing that the port answers."""


@pytest.mark.parametrize(("method", "path", "body"), DOORS)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.1", "a@127.0.0.1:{port}"]
)
def test_a_host_that_is_not_ours_is_misdirected(
    backend: instance.Instance, method: str, path: str, body: bytes | None, host: str
) -> None:
    """A page whose own name resolves to this machine is told 421, whatever it has, the token included."""
    token = {"authorization": f"Bearer {backend.access.token}"} if backend.access else {}
    answer = ask(backend, method, path, body, host=host.format(port=backend.port), **JSON, **token)
    assert answer.status == 421


@pytest.mark.parametrize(("method", "path", "body"), DOORS)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site"},
    ],
)
def test_another_sites_page_is_forbidden(
    backend: instance.Instance, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> None:
    """A request that another origin's page has caused is 403, whatever else it has."""
    token = {"authorization": f"Bearer {backend.access.token}"} if backend.access else {}
    assert ask(backend, method, path, body, **JSON, **token, **headers).status == 403


@pytest.mark.parametrize(("method", "path", "body"), DOORS)
@pytest.mark.parametrize("token", ["", "Bearer wrong", "Basic {token}", "Bearer", "Bearer {token}x"])
def test_nobody_gets_in_without_the_token(
    backend: instance.Instance, method: str, path: str, body: bytes | None, token: str
) -> None:
    """Each door is closed to who has no token, or another: 401, from the object store 403."""
    assert backend.access is not None
    headers = {"authorization": token.format(token=backend.access.token)} if token else {}
    assert ask(backend, method, path, body, **JSON, **headers).status == (403 if path.startswith("/flyte?") else 401)


@pytest.mark.parametrize("name", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "LOCALHOST:{port}"])
def test_names_of_loopback_are_ours(backend: instance.Instance, name: str) -> None:
    """Whichever name of this machine a client uses, with the right port."""
    told = admitted.headers(backend.access)  # type: ignore[arg-type]
    assert ask(backend, "POST", PROJECTS, b"{}", host=name.format(port=backend.port), **JSON, **told).status == 200


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        ("http://10.0.0.5:8089", True),
        ("https://10.0.0.5:8089", True),
        ("http://bridge.example", True),
        ("http://203.0.113.5", False),
        ("http://127.0.0.1:8888", False),
        ("http://10.0.0.5", False),
        ("http://[2001:db8::1]:8089", False),
        ("null", False),
    ],
)
def test_a_server_on_every_address_knows_other_addresses_pages(origin: str, let_in: bool, order: int) -> None:
    """It answers at any address, but to pages of the one that the request means and of its names alone."""
    asked = Admission(None, ["bridge.example"])
    asked.listens("0.0.0.0", 8089)  # nosec B104 - nothing listens
    headers = [(b"host", b"10.0.0.5:8089"), (b"origin", origin.encode())][::order]
    refusal = asked.refusal(headers)
    assert (refusal is None) is let_in
    assert refusal is None or refusal.status == 403


@pytest.mark.parametrize("header", ["authorization", "proxy_authorization", "flyte_authorization"])
def test_the_token_opens(backend: instance.Instance, header: str) -> None:
    """In whichever header a client can send it; and as the first segment of a path, for those who can send none."""
    assert backend.access is not None
    assert ask(backend, "POST", PROJECTS, b"{}", **JSON, **{header: f"Bearer {backend.access.token}"}).status == 200
    assert ask(backend, "POST", f"/{backend.access.segment}{PROJECTS}", b"{}", **JSON).status == 200
    assert ask(backend, "POST", f"/_t.{'0' * 40}{PROJECTS}", b"{}", **JSON).status == 401


def test_grpc_is_held_to_the_same(backend: instance.Instance) -> None:
    """Over h2c, too: the authority, the token; a refusal is a status with words that lead on."""
    request = project_service_pb2.ListProjectsRequest()
    with grpc.insecure_channel(backend.endpoint) as channel, pytest.raises(grpc.RpcError) as refused:
        project_service_pb2_grpc.ProjectServiceStub(channel).ListProjects(request, timeout=30)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "flyte-bridge status" in refused.value.details()
    assert backend.access is not None
    with admitted.channel(backend.endpoint, backend.access) as channel:
        assert project_service_pb2_grpc.ProjectServiceStub(channel).ListProjects(request, timeout=30).projects
    evil = [("grpc.default_authority", "evil.example")]
    with admitted.channel(backend.endpoint, backend.access, evil) as channel, pytest.raises(grpc.RpcError) as refused:
        project_service_pb2_grpc.ProjectServiceStub(channel).ListProjects(request, timeout=30)
    assert "421" in refused.value.details()


def test_what_opens_it_is_its_owners_alone(backend: instance.Instance) -> None:
    """The token and the configuration that is made of it can be read by nobody else, nor the directory."""
    where = Path(backend.data_dir)
    assert stat.S_IMODE(where.stat().st_mode) == 0o700
    for name in ("token", "flyte.yaml"):
        assert stat.S_IMODE((where / name).stat().st_mode) == 0o600
    assert backend.access is not None
    assert backend.access.token not in repr(backend.access)
    for derived in (backend.access.segment, backend.access.s3_secret, backend.access.s3_key):
        assert backend.access.token not in derived


# -- the object store ------------------------------------------------------------------------------------------------------


def _s3(backend: instance.Instance, key: str, secret: str, **options: Any) -> Any:
    session = boto3.session.Session(region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)
    settings = BotoConfig(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, **options)
    return session.client("s3", endpoint_url=backend.url, config=settings)


def test_the_object_store_knows_its_keys(backend: instance.Instance) -> None:
    """boto3 with the keys that `up` prints reads, writes and lists; with others it is told which is wrong."""
    key, secret = snippets.s3_keys(backend)
    s3 = _s3(backend, key, secret)
    name = "a b/ü~(+)&=?%2F'.txt"
    s3.put_object(Bucket="flyte", Key=name, Body=b"hello", Metadata={"two": "a  b"})
    assert s3.get_object(Bucket="flyte", Key=name)["Body"].read() == b"hello"
    assert name in [entry["Key"] for entry in s3.list_objects_v2(Bucket="flyte", Prefix="a b/")["Contents"]]
    for wrong, code in (((key, "x"), "SignatureDoesNotMatch"), (("x", secret), "InvalidAccessKeyId")):
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            _s3(backend, *wrong).list_objects_v2(Bucket="flyte")
        assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_is_for_what_it_says(backend: instance.Instance, version: str) -> None:
    """It opens its own object, by its own method, and no other."""
    s3 = _s3(backend, *snippets.s3_keys(backend), signature_version=version)
    for name in ("one", "two"):
        s3.put_object(Bucket="flyte", Key=f"presigned/{name}", Body=name.encode())
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "flyte", "Key": "presigned/one"}, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == b"one"
    path = url.removeprefix(backend.url)
    assert ask(backend, "GET", path.replace("presigned/one", "presigned/two")).status == 403
    assert ask(backend, "DELETE", path).status == 403
    assert ask(backend, "GET", path.replace("ature=", "ature=A")).status == 403


# -- browsers --------------------------------------------------------------------------------------------------------------


def test_a_login_url_is_good_once(backend: instance.Instance) -> None:
    """The URL that `up` prints gives one browser a cookie that no script and no other site sees; used again it gives none."""
    path = snippets.console_url(backend).removeprefix(backend.url)
    page = "/v2/domain/development/project/flytesnacks"
    assert ask(backend, "GET", page).status == 401
    first = ask(backend, "GET", path)
    assert (first.status, first.headers["location"]) == (303, "/")
    cookie, *attributes = first.headers["set-cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(attributes)
    assert ask(backend, "GET", page, cookie=cookie).status == 200
    assert ask(backend, "GET", page, cookie=cookie, host="evil.example").status == 421
    second = ask(backend, "GET", path)
    assert second.status == 401
    assert "set-cookie" not in second.headers
    assert ask(backend, "POST", PROJECTS, b"{}", cookie=cookie, **JSON).status == 401  # pages, and nothing else


def test_a_login_url_is_good_for_an_hour(backend: instance.Instance) -> None:
    """And for nothing that somebody has made up or made longer."""
    assert backend.access is not None
    at = [1_800_000_000.0]
    door = login.Login(backend.access, lambda _: False, lambda: at[0])
    nonce, until = "n", 1_800_000_000 + login_url.LIFE
    good = f"{nonce}.{until}.{login_url.signature(backend.access, nonce, until)}"
    for token in ("", "..", f"{nonce}.{until}.x", f"{nonce}.{until + 1}{good[good.rindex('.') :]}", f"m{good}"):
        assert not door._accept(token), token
    at[0] = until
    assert not door._accept(good)
    at[0] = until - 1
    assert door._accept(good)
    assert not door._accept(good)


# -- the unmodified clients ------------------------------------------------------------------------------------------------

HELLO = """
    import flyte

    env = flyte.TaskEnvironment(name="hello")

    @env.task
    async def leaf(x: int) -> int:
        return x * x

    @env.task
    async def main(n: int = 3) -> int:
        return sum([await leaf(i) for i in range(n)])
"""
FLYTE = [sys.executable, "-c", "import sys; from flyte.cli.main import main; sys.argv[0] = 'flyte'; main()"]


def _run(command: list[str], where: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=where, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_flyte_needs_what_up_prints_and_nothing_else(backend: instance.Instance, tmp_path: Path) -> None:
    """The unmodified `flyte` runs a task with children as it is configured by `up`; by endpoint alone it is refused."""
    (tmp_path / "hello.py").write_text(textwrap.dedent(HELLO))
    env = user_environment(tmp_path)
    done = _run(
        [*FLYTE, "run", "--follow", "hello.py", "main"], tmp_path, {**env, **snippets.flyte_environment(backend)}
    )
    assert done.returncode == 0, done.stderr
    assert backend.access is not None
    assert backend.access.segment not in done.stdout + done.stderr
    bare = _run([*FLYTE, "--endpoint", backend.endpoint, "--insecure", "get", "project"], tmp_path, env)
    assert bare.returncode != 0
    assert "flyte-bridge status" in " ".join((bare.stdout + bare.stderr).replace("│", " ").split())


def test_flytekit_needs_what_up_prints_and_nothing_else(backend: instance.Instance, tmp_path: Path) -> None:
    """The unmodified flytekit calls with the variables that `up` prints; by endpoint alone it is refused at once, and no browser
    is opened; the words are in the exception's cause, which flytekit (1.16) does not print."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    program = (
        "from flytekit.configuration import Config\n"
        "from flytekit.remote import FlyteRemote\n"
        "print(FlyteRemote(Config.auto(), default_project='p', default_domain='d').client.list_projects_paginated()[0][0].id)"
    )
    told = snippets.flytekit_environment(backend)
    env = user_environment(tmp_path)
    done = _run([sys.executable, "-c", program], tmp_path, {**env, **told})
    assert done.stdout.strip() == "flytesnacks", done.stderr
    bare = {name: value for name, value in told.items() if name.startswith("FLYTE_PLATFORM")}
    refused = _run([sys.executable, "-c", program], tmp_path, {**env, **bare})
    assert refused.returncode != 0
    assert "FlyteAuthenticationException" in refused.stderr


# -- the explicit choice ---------------------------------------------------------------------------------------------------


@pytest.fixture
def open_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[instance.Instance]:
    """A backend whose owner wants no token, and that has a name of its own."""
    monkeypatch.setenv("FLYTE_BRIDGE_HOSTS", "flyte.test, other.test:8443")
    data_dir = tmp_path / "data"
    yield instance.start(data_dir, require_token=False)
    instance.stop(data_dir)


def test_without_a_token_by_choice_alone(open_backend: instance.Instance, tmp_path: Path) -> None:
    """Whoever chose so gets in without; other sites' pages do not; `status` says what that means; names can be added."""
    assert ask(open_backend, "POST", PROJECTS, b"{}", **JSON).status == 200
    assert ask(open_backend, "POST", PROJECTS, b"{}", host="evil.example", **JSON).status == 421
    assert ask(open_backend, "POST", PROJECTS, b"{}", origin="http://evil.example", **JSON).status == 403
    assert ask(open_backend, "GET", "/flyte?list-type=2").status == 200
    for host, status in (("flyte.test", 200), (f"flyte.test:{open_backend.port}", 200), ("other.test:8443", 200)):
        assert ask(open_backend, "POST", PROJECTS, b"{}", host=host, **JSON).status == status
    command = [sys.executable, "-m", "flyte_bridge_cli.main", "status", "--data-dir", open_backend.data_dir]
    assert "NO TOKEN IS REQUIRED" in _run(command, tmp_path, user_environment(tmp_path)).stdout


def test_the_gateway_over_it_wants_the_token_too(backend: instance.Instance, tmp_path: Path) -> None:
    """`flyte-bridge serve` lends nobody its own way in: not to RPCs that reach the backend, nor to those that do not."""
    from flyteidl.admin import project_pb2, version_pb2
    from flyteidl.service import admin_pb2_grpc

    command = [
        sys.executable,
        "-u",
        "-m",
        "flyte_bridge_cli.main",
        "serve",
        "--port",
        "0",
        "--data-dir",
        backend.data_dir,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=user_environment(tmp_path)) as process:
        assert process.stdout is not None
        endpoint = process.stdout.readline().split(" at ")[1].split(",")[0]
        try:
            assert backend.access is not None
            with grpc.insecure_channel(endpoint) as channel:
                stub = admin_pb2_grpc.AdminServiceStub(channel)
                for call, request in (
                    (stub.ListProjects, project_pb2.ProjectListRequest()),
                    (stub.GetVersion, version_pb2.GetVersionRequest()),
                ):
                    for metadata in ((), (("authorization", "Bearer wrong"),)):
                        with pytest.raises(grpc.RpcError) as refused:
                            call(request, timeout=60, metadata=metadata)
                        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
                token = ("proxy-authorization", f"Bearer {backend.access.token}")
                assert stub.ListProjects(project_pb2.ProjectListRequest(), timeout=60, metadata=(token,)).projects
                with pytest.raises(grpc.RpcError) as refused:
                    stub.ListProjects(
                        project_pb2.ProjectListRequest(),
                        timeout=60,
                        metadata=(token, ("origin", "http://evil.example")),
                    )
                assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        finally:
            process.terminate()


def test_our_own_clients_find_the_token(backend: instance.Instance) -> None:
    """A program that uses the bridge in process is configured with nothing but the data directory."""
    pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")
    from flyte_bridge import FlyteRemote

    remote = FlyteRemote(settings=config.load(data_dir=backend.data_dir))
    assert remote.client.list_projects_paginated()[0][0].id == "flytesnacks"
