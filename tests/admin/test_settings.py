"""Every setting has an effect, shown by setting it alone."""

from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import execution_pb2, launch_plan_pb2, task_pb2
from flyteidl.core import identifier_pb2, literals_pb2
from flyteidl2.auth import identity_pb2
from flyteidl2.core import tasks_pb2

from backend.server import Server, serving
from flyte_bridge import config, errors
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend import connect
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.embedded.executor.options import ExecutorOptions
from flyte_bridge.embedded.server import options_of
from flyte_bridge.embedded_client import instance
from flyte_bridge.registry import specs
from flyte_bridge.remote.flyte_remote import FlyteRemote
from flyte_bridge.remote.in_process import gateway_of
from flyte_bridge.side_by_side import sides
from flyte_bridge_translators.wire import identifier
from registry.entities import area_workflow, square_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from admin.control import Control


# -- whom we talk to, and as whom ------------------------------------------------------------------------------------


def _sent(server: Server, **given: Any) -> str:
    """What a call that is set up so sends to prove who it is; where it went is the test's own server."""

    async def main() -> str:
        async with serving(server):
            settings = config.load(endpoint=server.endpoint, **given)
            async with connect.connect(settings, patience=0.3) as flyte2:
                await flyte2.user_info()
        return server.seen[-1][1]

    return asyncio.run(main())


@pytest.fixture
def token_url() -> Iterator[str]:
    """A token endpoint, which grants what it was asked with."""

    class Tokens(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"access_token": self.headers["Authorization"].replace(" ", "-")}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing is said of requests."""

    with HTTPServer(("127.0.0.1", 0), Tokens) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()
        thread.join()


def test_an_endpoint_without_tls(token_url: str) -> None:
    """`endpoint` is who is called, `insecure` that it is called without TLS: without it the call fails."""
    assert _sent(Server(), insecure=True) == ""
    with pytest.raises(errors.Unavailable):
        _sent(Server())


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"token": "a-b"}, "Bearer a-b"),
        ({"token_command": "echo c-d"}, "Bearer c-d"),
        ({"client_id": "i", "client_secret": "s"}, "Bearer Basic-aTpz"),
        ({"client_id": "other", "client_secret": "s"}, "Bearer Basic-b3RoZXI6cw=="),
        ({"client_id": "i", "client_secret": "other"}, "Bearer Basic-aTpvdGhlcg=="),
    ],
)
def test_who_calls(token_url: str, given: dict[str, str], sent: str) -> None:
    """`token`, `token_command`, `client_id` and `client_secret` are what calls bring along."""
    assert _sent(Server(token_url=token_url), insecure=True, **given) == sent


def test_whom_to_trust(tmp_path: Path) -> None:
    """`ca_cert` is read when a connection is made; that it is trusted and nothing else is, tests/backend/test_grpc.py shows."""
    with pytest.raises(errors.ConfigError, match=r"none\.pem"):
        connect.connect(config.load(endpoint="127.0.0.1:1", ca_cert=tmp_path / "none.pem"))


def _sent_to_v1(server: Server, **given: Any) -> str:
    """What a call to Flyte 1 sends to prove who it is."""

    async def main() -> str:
        async with serving(server):
            plane = sides.v1(config.load(v1_endpoint=server.endpoint, **given), {})
            try:
                method = "/flyteidl2.auth.IdentityService/UserInfo"
                await plane.caller.unary(
                    method, identity_pb2.UserInfoRequest(), identity_pb2.UserInfoResponse, timeout=1
                )
            finally:
                await plane.caller.close()
        return server.seen[-1][1]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("given", "sent"), [({}, ""), ({"v1_token": "a-b"}, "Bearer a-b"), ({"v1_token_command": "echo c-d"}, "Bearer c-d")]
)
def test_who_calls_flyte_1(given: dict[str, str], sent: str) -> None:
    """`v1_endpoint` is the Flyte 1 beside us, `v1_token` and `v1_token_command` are what calls to it bring along."""
    assert _sent_to_v1(Server(), v1_insecure=True, **given) == sent


def test_whom_to_trust_as_flyte_1(tmp_path: Path) -> None:
    """`v1_insecure` is without TLS: without it a call to a server that has none fails; `v1_ca_cert` is read."""
    with pytest.raises(errors.StatusError):
        _sent_to_v1(Server())
    with pytest.raises(errors.ConfigError, match=r"none\.pem"):
        sides.v1(config.load(v1_endpoint="127.0.0.1:1", v1_ca_cert=tmp_path / "none.pem"), {})


# -- where things are ---------------------------------------------------------------------------------------------------


def test_the_project_and_the_domain_of_those_who_name_none(settings: config.Settings) -> None:
    """`project` and `domain` are what `FlyteRemote` starts with."""
    remote = FlyteRemote(settings=settings.model_copy(update={"project": "p", "domain": "d"}))
    assert (remote.default_project, remote.default_domain) == ("p", "d")


def test_the_directory_of_the_embedded_backend(settings: config.Settings, tmp_path: Path) -> None:
    """`data_dir` is which embedded backend is meant."""
    assert instance.find(settings.data_dir) is not None
    assert instance.find(config.load(data_dir=tmp_path).data_dir) is None


# -- how the driver and the tasks run -----------------------------------------------------------------------------------


def _driver(**given: Any) -> tasks_pb2.Container:
    workflow = area_workflow("v1")
    spec, _ = specs.of_workflow(workflow, None, specs.DriverPod.of(config.load(**given)))
    return spec.task_template.container


def _amounts(entries: Any) -> dict[str, str]:
    return {tasks_pb2.Resources.ResourceName.Name(entry.name): entry.value for entry in entries}


def test_what_the_driver_runs_in() -> None:
    """`driver_image`, `driver_cpu` and `driver_memory` are in the deployed task; the defaults are what docs/driver.md says."""
    plain = _driver()
    assert plain.image == specs.DRIVER_IMAGE
    assert _amounts(plain.resources.requests) == {"CPU": "100m", "MEMORY": "128Mi"}
    assert _amounts(plain.resources.limits) == {"CPU": "1", "MEMORY": "512Mi"}
    assert _driver(driver_image="registry.example/driver:1").image == "registry.example/driver:1"
    more = _driver(driver_cpu="2")
    assert _amounts(more.resources.requests) == {"CPU": "2", "MEMORY": "128Mi"}
    assert _amounts(more.resources.limits) == {"CPU": "2", "MEMORY": "512Mi"}
    assert _amounts(_driver(driver_memory="1Gi").resources.limits) == {"CPU": "1", "MEMORY": "1Gi"}


@pytest.mark.parametrize("field", ["driver_cpu", "driver_memory"])
@pytest.mark.parametrize("value", ["much", "0", "-1", ""])
def test_what_no_pod_can_ask_for_is_refused(field: str, value: str) -> None:
    """Before anything is registered, by the setting's name."""
    with pytest.raises(errors.ConfigError, match=field):
        config.load(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task_images", "reg/a=/venvs/a"),
        ("task_env", "MINE"),
        ("task_cpus", "0.5"),
        ("task_memory", "1Mi"),
        ("task_allow", "commands"),
        ("task_allow", "accelerators"),
        ("task_forkservers", "false"),
    ],
)
def test_how_the_embedded_backend_runs_tasks(field: str, value: str) -> None:
    """Each changes the executor's options; tests/embedded/executor shows what the options do."""
    assert ExecutorOptions.of(config.load(**{field: value})) != ExecutorOptions.of(config.load())


# -- what the façade does ----------------------------------------------------------------------------------------------


@pytest.fixture
def call(control: Control, settings: config.Settings) -> Callable[..., Any]:
    """Makes one call of a façade that is set up differently, and looks at the backend behind."""

    def run(act: Any, **given: Any) -> Any:
        async def main() -> Any:
            async with BackendClient(control.caller()) as backend:
                facade = Facade(
                    backend, settings.model_copy(update=config.load(**given).model_dump(include=set(given)))
                )

                async def ask(method: str, request: Any) -> Any:
                    return await facade.call(f"/flyteidl.service.AdminService/{method}", request, CallContext())

                return await act(backend, ask)

        return asyncio.run(main())

    return run


def _of_type(version: str, type_: str) -> task_pb2.TaskCreateRequest:
    request = square_request(version)
    request.spec.template.type = type_
    request.spec.template.ClearField("container")
    return request


def test_what_connectors_run_is_registered(call: Any, fresh: str) -> None:
    """`connectors` are the types of tasks without a container that are taken."""

    async def register(_: BackendClient, ask: Any) -> Any:
        return await ask("CreateTask", _of_type(fresh, "my-agent"))

    with pytest.raises(errors.Unimplemented, match="my-agent"):
        call(register)
    call(register, connectors="my-agent")


def test_what_cannot_run_here_is_registered_where_that_is_allowed(call: Any, fresh: str) -> None:
    """`task_allow=registration` is about registration only."""
    request = square_request(fresh)
    request.spec.template.container.resources.requests.add(name=tasks_pb2.Resources.GPU, value="1")

    async def register(_: BackendClient, ask: Any) -> Any:
        return await ask("CreateTask", request)

    with pytest.raises(errors.StatusError, match="FLYTE_BRIDGE_TASK_ALLOW"):
        call(register, task_allow=())
    call(register, task_allow="registration")


def test_tasks_are_told_of_the_gateway(call: Any, control: Control, flows: Any) -> None:
    """`gateway` is in the variables of executions that are started, unless they have their own."""
    control.register(flows.child)

    def request(**envs: str) -> execution_pb2.ExecutionCreateRequest:
        spec = execution_pb2.ExecutionSpec(launch_plan=_plan("flows.child"))
        spec.envs.values.extend(literals_pb2.KeyValuePair(key=key, value=value) for key, value in envs.items())
        asked = execution_pb2.ExecutionCreateRequest(project="flytesnacks", domain="development", spec=spec)
        asked.inputs.literals["a"].scalar.primitive.integer = 1
        return asked

    async def envs(backend: BackendClient, ask: Any, **own: str) -> dict[str, str]:
        started = (await ask("CreateExecution", request(**own))).id
        run = await backend.get_run(run_id=identifier.run_of(started, ""))
        return {pair.key: pair.value for pair in run.run_spec.envs.values}

    told = {"FLYTE_PLATFORM_URL": "bridge.example:8089", "FLYTE_PLATFORM_INSECURE": "true"}
    assert call(envs) == {}
    assert call(envs, gateway="http://bridge.example:8089/") == told
    assert call(envs, gateway="dns:///bridge.example:8089") == {**told, "FLYTE_PLATFORM_INSECURE": "false"}
    own = {"FLYTE_PLATFORM_URL": "mine:1"}

    async def with_own(backend: BackendClient, ask: Any) -> dict[str, str]:
        return await envs(backend, ask, **own)

    assert call(with_own, gateway="http://bridge.example:8089") == {**told, **own}


def test_tasks_of_schedules_are_told_of_the_gateway(call: Any, control: Control, flows: Any) -> None:
    """The trigger that a schedule becomes has it in its run specification."""
    control.register(flows.daily)
    control.register(flows.DAILY)
    plan = _plan("flows.daily")

    async def activate(backend: BackendClient, ask: Any) -> dict[str, str]:
        update = launch_plan_pb2.LaunchPlanUpdateRequest(id=plan, state=launch_plan_pb2.ACTIVE)
        await ask("UpdateLaunchPlan", update)
        listed = (await backend.list_triggers()).triggers
        (name,) = [trigger.id.name for trigger in listed if "flows.daily" in trigger.id.name.task_name]
        details = await backend.get_trigger(name=name)
        update.state = launch_plan_pb2.INACTIVE
        await ask("UpdateLaunchPlan", update)
        return {pair.key: pair.value for pair in details.spec.run_spec.envs.values}

    assert call(activate, gateway="bridge.example:8089")["FLYTE_PLATFORM_URL"] == "bridge.example:8089"


def _plan(name: str) -> identifier_pb2.Identifier:
    return identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN, project="flytesnacks", domain="development", name=name, version="v1"
    )


# -- whom we let in, and where ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "given"),
    [
        ("HOSTS", "flyte.test", {}),
        ("REQUIRE_TOKEN", "false", {}),
        ("EMBEDDED_LIKE", "go", {}),
        ("EMBEDDED_FORGETS", "7", {"EMBEDDED_LIKE": "go"}),
        ("EMBEDDED_CLOCK", "75", {}),
    ],
)
def test_how_a_backend_behaves(
    name: str, value: str, given: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each changes the backend's options; tests/trust and tests/embedded show what the options do."""
    for other, told in given.items():
        monkeypatch.setenv(f"FLYTE_BRIDGE_{other}", told)
    before = options_of(tmp_path)
    monkeypatch.setenv(f"FLYTE_BRIDGE_{name}", value)
    assert options_of(tmp_path) != before


def test_what_a_gateway_touches() -> None:
    """A gateway signs where it is told; tests/trust shows the rest."""

    async def main() -> str:
        facade = await gateway_of(config.load(endpoint="127.0.0.1:1", insecure=True, buckets=("s3://named",)))
        with pytest.raises(errors.BadObjectName, match="s3://named/"):
            await facade.storage.exists("s3://other/k")

    asyncio.run(main())


# -- none is left out ---------------------------------------------------------------------------------------------------

SHOWN = {
    "endpoint", "insecure", "ca_cert", "token", "token_command", "client_id", "client_secret", "project", "domain",
    "data_dir", "driver_image", "driver_cpu", "driver_memory", "connectors", "gateway", "task_images", "task_env",
    "task_cpus", "task_memory", "task_allow", "task_forkservers", "hosts", "require_token", "buckets",
    "v1_endpoint", "v1_insecure", "v1_ca_cert", "v1_token", "v1_token_command", "embedded_like", "embedded_forgets",
    "embedded_clock",
    "v1_zone",
}  # fmt: skip
"""What is set above, each alone; `v1_zone` is set in test_schedules.py."""


def test_no_setting_is_without_effect() -> None:
    """A new setting is shown above, or this fails."""
    assert set(config.Settings.model_fields) == SHOWN
