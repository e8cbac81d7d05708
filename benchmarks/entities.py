"""The speed of Flyte 1's calls about entities, over the embedded backend, beside the calls they are made of.

`python benchmarks/entities.py [--names 1000] [--calls 300]` prints medians in milliseconds. Every round makes each call
once, one after the other, so that a busy moment strikes them alike:

| column | what is called |
|---|---|
| raw | Flyte 2's own `GetTaskDetails` or `ListTasks` by gRPC, as the façade calls it |
| façade | the handler in this process, without a transport |
| in process | flytekit's client over the in-process channel |
| wire | flytekit's client over the embedded backend's port |
| echo | flytekit's client against a bare servicer that answers at once with the same message |
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from flyteidl.admin import common_pb2
from flyteidl.service import admin_pb2_grpc
from flyteidl2.common import identifier_pb2
from flytekit.clients.friendly import SynchronousFlyteClient
from flytekit.configuration import PlatformConfig

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import opened

from flyte_bridge import config
from flyte_bridge.admin.context import CallContext
from flyte_bridge.admin.service import Facade
from flyte_bridge.backend.connect import connect
from flyte_bridge.backend.query import query, where
from flyte_bridge.embedded_client import instance
from flyte_bridge.remote.flyte_remote import Client
from flyte_bridge_translators.wire import identifier
from registry import entities

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.backend.client import BackendClient

PROJECT, DOMAIN = "flytesnacks", "development"
REGISTERING = 16


class Loop:
    """An event loop in a thread: coroutines are timed where they run, without the hop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


async def timed(make: Callable[[], Any]) -> float:
    began = time.perf_counter()
    await make()
    return (time.perf_counter() - began) * 1000


async def fill(facade: Facade, names: int) -> None:
    """Registers the workflow with its launch plan, and tasks of many names."""
    from flyteidl.admin import launch_plan_pb2, workflow_pb2

    async def call(rpc: str, request: Any) -> Any:
        path = f"/flyteidl.service.AdminService/{rpc}"
        return await facade.call(path, request, CallContext.of(path))

    await call("CreateTask", entities.square_request("v1"))
    spec = workflow_pb2.WorkflowSpec.FromString(entities.SERIALIZED.workflows[entities.AREA].SerializeToString())
    await call("CreateWorkflow", workflow_pb2.WorkflowCreateRequest(id=entities.area_workflow("v1").id, spec=spec))
    plan = entities.area_plan("v1")
    await call("CreateLaunchPlan", launch_plan_pb2.LaunchPlanCreateRequest(id=plan.id, spec=plan.spec))
    began = time.perf_counter()
    for at in range(0, names, REGISTERING):
        requests = (
            entities.square_request("v1", f"task.n{number}") for number in range(at, min(names, at + REGISTERING))
        )
        await asyncio.gather(*(call("CreateTask", request) for request in requests))
    spent = time.perf_counter() - began
    print(f"registered {names} tasks, {REGISTERING} at once: {spent / names * 1000:.1f} ms each")


class Echo(admin_pb2_grpc.AdminServiceServicer):
    """Answers with what it was given."""

    def __init__(self, replies: dict[str, Any]) -> None:
        for rpc, reply in replies.items():
            setattr(self, rpc, lambda _request, _context, reply=reply: reply)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--names", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory) / "data"
        running = instance.start(data_dir)
        try:
            measure(config.load(data_dir=data_dir), running, options.names, options.calls)
        finally:
            instance.stop(data_dir)


def measure(settings: config.Settings, running: instance.Instance, names: int, calls: int) -> None:
    """Prints the table."""
    loop = Loop()
    backend: BackendClient = connect(settings)
    facade = Facade(backend, settings)
    loop.run(fill(facade, names))
    told = opened.flytekit(running).platform
    wire = SynchronousFlyteClient(told)
    inside = Client(told, settings)
    project = identifier_pb2.ProjectIdentifier(organization="local", name=PROJECT, domain=DOMAIN)
    place = common_pb2.NamedEntityIdentifier(project=PROJECT, domain=DOMAIN)
    newest = common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING)
    task, workflow, plan = (
        entities.square_request("v1").id,
        entities.area_workflow("v1").id,
        entities.area_plan("v1").id,
    )

    def details(id_: Any) -> Callable[[], Any]:
        return lambda: backend.get_task(task_id=identifier.deployed(id_, org="local"))

    def listed(limit: int) -> Callable[[], Any]:
        asked = query(where("environment", identifier.TASK), limit=min(limit, 200))
        return lambda: backend.list_tasks(project_id=project, request=asked)

    cases: list[tuple[str, str, Any, Callable[[], Any]]] = [
        ("GetTask", "GetTask", common_pb2.ObjectGetRequest(id=task), details(task)),
        ("GetWorkflow", "GetWorkflow", common_pb2.ObjectGetRequest(id=workflow), details(workflow)),
        ("GetLaunchPlan", "GetLaunchPlan", common_pb2.ObjectGetRequest(id=plan), details(plan)),
        (
            "ListTasks, latest of a name",
            "ListTasks",
            common_pb2.ResourceListRequest(
                id={"project": PROJECT, "domain": DOMAIN, "name": task.name}, limit=1, sort_by=newest
            ),
            details(task),
        ),
        (
            "ListTasks, newest 100",
            "ListTasks",
            common_pb2.ResourceListRequest(id=place, limit=100, sort_by=newest),
            listed(100),
        ),
        (
            "ListTasks, 100 of a version",
            "ListTasks",
            common_pb2.ResourceListRequest(id=place, limit=100, filters="eq(version,v1)"),
            listed(100),
        ),
        (
            "ListTaskIds, 100",
            "ListTaskIds",
            common_pb2.NamedEntityIdentifierListRequest(project=PROJECT, domain=DOMAIN, limit=100),
            listed(100),
        ),
    ]
    print(f"{names} names, {calls} calls, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; medians in ms")
    print(f"{'call':28}{'raw':>8}{'façade':>9}{'in process':>12}{'wire':>8}{'echo':>8}")
    for told, rpc, request, raw in cases:
        path = f"/flyteidl.service.AdminService/{rpc}"

        def handle(path: str = path, request: Any = request) -> Any:
            return facade.call(path, request, CallContext.of(path))

        echo_server = grpc.server(futures.ThreadPoolExecutor(2))
        admin_pb2_grpc.add_AdminServiceServicer_to_server(Echo({rpc: loop.run(handle())}), echo_server)
        port = echo_server.add_insecure_port("127.0.0.1:0")
        echo_server.start()
        echo = SynchronousFlyteClient(PlatformConfig(endpoint=f"127.0.0.1:{port}", insecure=True))
        rounds: dict[str, list[float]] = {name: [] for name in ("raw", "façade", "in process", "wire", "echo")}
        for _ in range(calls if "List" not in rpc else max(20, calls // 10)):
            rounds["raw"].append(loop.run(timed(raw)))
            rounds["façade"].append(loop.run(timed(handle)))
            for name, client in (("in process", inside), ("wire", wire), ("echo", echo)):
                began = time.perf_counter()
                getattr(client._stub, rpc)(
                    request
                )  # the models' own time is flytekit's, and a cache would hide the rest
                rounds[name].append((time.perf_counter() - began) * 1000)
        echo_server.stop(None)
        one, two, three, four, five = (statistics.median(times) for times in rounds.values())
        print(f"{told:28}{one:8.2f}{two:9.2f}{three:12.2f}{four:8.2f}{five:8.2f}", flush=True)


if __name__ == "__main__":
    main()
