"""Every RPC of both planes, asked with generated and with damaged messages: each is answered, none with UNKNOWN or INTERNAL.

`FLYTE_BRIDGE_FUZZ=N` sends N messages to each RPC (3 otherwise), `FLYTE_BRIDGE_FUZZ_SEED` begins elsewhere.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import flyteidl2
import grpc
import pytest
from flyteidl.admin import common_pb2, execution_pb2, launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.service import admin_pb2_grpc
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

import admitted
from flyte_bridge.admin.methods import METHODS
from flyte_bridge.embedded_client import instance
from fuzz.generate import Messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

EACH = int(os.environ.get("FLYTE_BRIDGE_FUZZ", "3"))
SEED = int(os.environ.get("FLYTE_BRIDGE_FUZZ_SEED", "1"))
CODE = Path(__file__).parents[1] / "admin" / "code"
PROJECT, DOMAIN, VERSION = "flytesnacks", "development", "v1"
PATIENCE = 20.0
WATCHED = 0.3
"""Seconds that a stream is listened to."""


class Rpc(NamedTuple):
    """An RPC of either plane."""

    path: str
    request: type[Message]
    streams: bool


def rpcs() -> list[Rpc]:
    """All of them, Flyte 1's and Flyte 2's."""
    known = [Rpc(method.path, method.request, method.streams) for method in METHODS.values()]
    for module in pkgutil.walk_packages(flyteidl2.__path__, "flyteidl2."):
        if not module.name.endswith(("_service_pb2", "cacheservice_pb2")):
            continue
        for service in importlib.import_module(module.name).DESCRIPTOR.services_by_name.values():
            known += [
                Rpc(f"/{service.full_name}/{method.name}", GetMessageClass(method.input_type), method.server_streaming)
                for method in service.methods
                if not method.client_streaming
            ]
    return known


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[instance.Instance]:
    """A backend of this test's own, since what it is asked to do is done."""
    data_dir = tmp_path_factory.mktemp("fuzz") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), os.environ.get("PYTHONPATH", "")]))
        running = instance.start(data_dir)
    yield running
    instance.stop(data_dir)


@pytest.fixture(scope="module")
def known(backend: instance.Instance) -> dict[str, list[str]]:
    """Names that exist there, by the fields that take them: two executions, one of which waits at its gates."""
    from flytekit.configuration import Config, PlatformConfig
    from flytekit.remote import FlyteRemote

    from admin.control import Control

    platform = PlatformConfig(backend.endpoint, insecure=True, proxy_command=["cat", str(backend.token_file)])
    control = Control(backend, FlyteRemote(Config(platform=platform), PROJECT, DOMAIN))
    sys.path.insert(0, str(CODE))
    import flows

    control.run(flows.child, {"a": 1, "b": 2}, execution_name="ended")
    control.register(flows.PLAN)
    control.start(flows.waits, {"a": 1}, execution_name="waiting")
    return {
        "project": [PROJECT],
        "domain": [DOMAIN],
        "org": [""],
        "organization": [""],
        "version": [VERSION],
        "name": ["ended", "waiting", "flows.child", "flows.plus", "flows.plan", PROJECT],
        "node_id": ["n0", "n1", "start-node"],
        "signal_id": ["go", "number"],
        "key": ["execution_created_at", "name"],
        "token": ["0", "20"],
        "filters": ["eq(phase,FAILED)", "gte(created_at,2020-01-01T00:00:00Z)"],
    }


def whole(backend: instance.Instance) -> dict[str, list[Message]]:
    """Requests that were all right when flytekit sent them, by their RPCs: those that made what is registered."""
    made: dict[str, list[Message]] = defaultdict(list)
    where = {"project": PROJECT, "domain": DOMAIN}
    newest = common_pb2.ResourceListRequest(id=common_pb2.NamedEntityIdentifier(**where), limit=50)
    with admitted.channel(backend.endpoint, backend.access) as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        for task in stub.ListTasks(newest).tasks:
            template = stub.GetTask(common_pb2.ObjectGetRequest(id=task.id)).closure.compiled_task.template
            made["CreateTask"].append(task_pb2.TaskCreateRequest(id=task.id, spec=task_pb2.TaskSpec(template=template)))
        for workflow in stub.ListWorkflows(newest).workflows:
            closure = stub.GetWorkflow(common_pb2.ObjectGetRequest(id=workflow.id)).closure.compiled_workflow
            spec = workflow_pb2.WorkflowSpec(
                template=closure.primary.template, sub_workflows=[sub.template for sub in closure.sub_workflows]
            )
            made["CreateWorkflow"].append(workflow_pb2.WorkflowCreateRequest(id=workflow.id, spec=spec))
        for plan in stub.ListLaunchPlans(newest).launch_plans:
            made["CreateLaunchPlan"].append(launch_plan_pb2.LaunchPlanCreateRequest(id=plan.id, spec=plan.spec))
        for execution in stub.ListExecutions(newest).executions:
            made["CreateExecution"].append(
                execution_pb2.ExecutionCreateRequest(
                    **where, spec=execution.spec, inputs=execution.closure.computed_inputs
                )
            )
    assert set(made) == {"CreateTask", "CreateWorkflow", "CreateLaunchPlan", "CreateExecution"}
    return made


def ask(channel: grpc.Channel, rpc: Rpc, wire: bytes) -> str:
    """The name of the status it was answered with."""
    shape = {"request_serializer": None, "response_deserializer": None}
    try:
        if rpc.streams:
            stream = channel.unary_stream(rpc.path, **shape)(wire, timeout=WATCHED)
            for _ in stream:
                pass
        else:
            channel.unary_unary(rpc.path, **shape)(wire, timeout=PATIENCE)
    except grpc.RpcError as error:
        code: Any = error.code()
        if rpc.streams and code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return "OK"
        return f"{code.name}: {error.details()}" if code.name in {"UNKNOWN", "INTERNAL"} else str(code.name)
    return "OK"


def resident(pid: int) -> float:
    """MiB of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def parses(rpc: Rpc, wire: bytes) -> bool:
    try:
        rpc.request.FromString(wire)
    except DecodeError:
        return False
    return True


def test_every_rpc_answers_whatever_it_is_sent(backend: instance.Instance, known: dict[str, list[str]]) -> None:
    """No UNKNOWN, no INTERNAL, no hang, no traceback in the log, no growth; bytes that are no message are INTERNAL or
    INVALID_ARGUMENT, as gRPC's own servers have it."""
    chance = random.Random(SEED)
    messages = Messages(chance, known)
    bad: list[str] = []
    told: Counter[str] = Counter()
    before = resident(backend.pid)
    corpus = whole(backend)
    with admitted.channel(backend.endpoint, backend.access) as channel:
        for rpc in rpcs():
            right = corpus.get(rpc.path.rpartition("/")[2]) if "flyteidl." in rpc.path else None
            for number in range(EACH * 20 if right else EACH):
                message = messages.changed(chance.choice(right)) if right else messages.message(rpc.request)
                wire = message.SerializeToString()
                if number % 3 == 2:
                    wire = messages.damaged(wire)
                code = ask(channel, rpc, wire)
                told[code.partition(":")[0]] += 1
                broken = code.startswith(("UNKNOWN", "DEADLINE_EXCEEDED", "UNAVAILABLE"))
                if broken or (code.startswith("INTERNAL") and parses(rpc, wire)):
                    bad.append(f"{rpc.path} #{number}: {code}\n  {wire[:300]!r}")
        again = ask(channel, rpcs()[0], b"")
    assert not bad, f"{len(bad)} of {told.total()}:\n" + "\n".join(bad[:20])
    assert again in {"INVALID_ARGUMENT", "UNIMPLEMENTED", "NOT_FOUND"}
    log = instance.log_of(Path(backend.data_dir)).read_text(errors="replace")
    assert "Traceback (most recent call last)" not in log, log[log.index("Traceback") :][:3000]
    grown = resident(backend.pid) - before
    assert grown < 200, f"{grown:.0f} MiB more after {told.total()} messages"
    print(f"{told.total()} messages, seed {SEED}: {dict(told)}; {grown:+.0f} MiB")
