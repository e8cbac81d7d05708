"""What each way in costs: the same calls in process, through `flyte-bridge serve`, and on the embedded backend's own port.

`python benchmarks/callers.py [--calls 300]` prints medians, beside a bare servicer that echoes (gRPC's own cost on this
machine, in the same run) and the backend's raw call for the same task; then twenty clients that poll at once.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import opened
from flyteidl.admin import common_pb2, execution_pb2, task_pb2, version_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import admin_pb2_grpc
from flyteidl2.task import task_definition_pb2, task_service_pb2, task_service_pb2_grpc

from flyte_bridge import config
from flyte_bridge.embedded_client import instance
from flyte_bridge.remote.channel import Channel
from flyte_bridge.remote.in_process import home_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACE = {"project": "flytesnacks", "domain": "development"}
FLOW = """\
from flytekit import task, workflow


@task
def inc(x: int) -> int:
    return x + 1


@workflow
def wf(x: int) -> int:
    return inc(x=x)
"""


class Echo(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A servicer that answers every call with what it was sent."""

    def service(self, handler_call_details: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(lambda request, _: request)


@contextlib.contextmanager
def echo() -> Iterator[grpc.Channel]:
    """A channel to such a servicer in a thread of this process."""
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=(Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(0).wait()


@contextlib.contextmanager
def served(settings: config.Settings) -> Iterator[str]:
    """`flyte-bridge serve` in a process of its own; its address."""
    command = [sys.executable, "-u", "-m", "flyte_bridge_cli.main", "serve", "--port", "0"]
    process = subprocess.Popen([*command, "--data-dir", str(settings.data_dir)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        found = next(line for line in process.stdout if "FLYTE_PLATFORM_URL" in line)
        yield found.strip().partition("=")[2]
        process.terminate()


def median(call: Callable[[], Any], calls: int) -> float:
    """Milliseconds of the median call, after a tenth of them to warm up."""
    took = []
    for number in range(calls + calls // 10):
        began = time.perf_counter()
        call()
        if number >= calls // 10:
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def requests() -> dict[str, tuple[str, Any]]:
    """What is asked: the RPC and its request."""

    def named(name: str, kind: int) -> common_pb2.ObjectGetRequest:
        return common_pb2.ObjectGetRequest(
            id=identifier_pb2.Identifier(resource_type=kind, name=name, version="v1", **PLACE)
        )

    return {
        "GetVersion": ("GetVersion", version_pb2.GetVersionRequest()),
        "GetTask": ("GetTask", named("bench.inc", identifier_pb2.TASK)),
        "GetWorkflow": ("GetWorkflow", named("bench.wf", identifier_pb2.WORKFLOW)),
        "GetLaunchPlan": ("GetLaunchPlan", named("bench.wf", identifier_pb2.LAUNCH_PLAN)),
    }


def raw_call(running: instance.Instance) -> tuple[grpc.Channel, Callable[[], Any]]:
    """The backend's own call for the same task."""
    channel = opened.channel(running)
    stub = task_service_pb2_grpc.TaskServiceStub(channel)
    name = task_definition_pb2.TaskIdentifier(org="local", name="flyte1.task.bench.inc", version="v1", **PLACE)
    request = task_service_pb2.GetTaskDetailsRequest(task_id=name)
    return channel, lambda: stub.GetTaskDetails(request)


def poll(stub: Any, seconds: float) -> tuple[int, int]:
    """Lists executions for a while; how often it was answered, and how often not."""
    request = common_pb2.ResourceListRequest(id=common_pb2.NamedEntityIdentifier(**PLACE), limit=100)
    answered = failed = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        call = stub.ListExecutions.future(request)
        if call.exception() is None:
            assert isinstance(call.result(), execution_pb2.ExecutionList)
            answered += 1
        else:
            failed += 1
    return answered, failed


def measure(settings: config.Settings, running: instance.Instance, calls: int) -> None:
    """Prints the table."""
    with (
        served(settings) as gateway,
        opened.channel(running, gateway) as far,
        opened.channel(running) as near,
        echo() as bare,
    ):
        ways = {"in process": Channel(home_of(settings)), "serve": far, "embedded port": near}
        stubs = {name: admin_pb2_grpc.AdminServiceStub(channel) for name, channel in ways.items()}
        call = bare.unary_unary("/echo/Echo", task_pb2.Task.SerializeToString, task_pb2.Task.FromString)
        print(f"{'bare echo':24} {median(lambda: call(task_pb2.Task()), calls):7.2f} ms")
        channel, raw = raw_call(running)
        with channel:
            print(f"{'GetTaskDetails, raw':24} {median(raw, calls):7.2f} ms")
        print(f"{'':24} {'  '.join(f'{name:>13}' for name in stubs)}")
        for label, (rpc, request) in requests().items():
            told = [
                median(lambda stub=stub, rpc=rpc, request=request: getattr(stub, rpc)(request), calls)
                for stub in stubs.values()
            ]
            print(f"{label:24} {'  '.join(f'{ms:10.2f} ms' for ms in told)}")
        for name, stub in stubs.items():
            with futures.ThreadPoolExecutor(20) as pool:
                ended = list(pool.map(lambda _, stub=stub: poll(stub, 3), range(20)))
            answered, failed = (sum(column) for column in zip(*ended, strict=True))
            print(f"20 pollers, {name:13} {answered / 3:7.0f} ListExecutions/s, {failed} failed")


def main() -> None:
    """Starts a backend, registers a workflow, and measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        settings = config.load(data_dir=Path(folder) / "data")
        running = instance.start(settings.data_dir)
        Path(folder, "bench.py").write_text(FLOW)
        command = [sys.executable, "-m", "flyte_bridge_cli.main", "register", "bench.py", "--version", "v1"]
        try:
            subprocess.run(
                [*command, "--data-dir", str(settings.data_dir)], cwd=folder, check=True, capture_output=True
            )
            measure(settings, running, calls)
        finally:
            home_of(settings).close()
            instance.stop(settings.data_dir)


if __name__ == "__main__":
    main()
