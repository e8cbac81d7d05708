"""What stands at endpoints, side by side: a soak of unary calls, what reading executions costs, what a workflow takes.

For the real ones, which no benchmark can start. Each command is bounded, and takes addresses of installations of your own:

```
python benchmarks/endpoints.py soak --flyte2 127.0.0.1:8090 [--calls 50000]
python benchmarks/endpoints.py read --at go=127.0.0.1:30080 --at flyteadmin=127.0.0.1:30081 [--rest go=127.0.0.1:30088]
python benchmarks/endpoints.py run --at go=127.0.0.1:30080 --workflow a.wf_lp [--times 3] [--pids 123,456]
```

`--at` is an endpoint of Flyte 1's API (flyteadmin, `flyte-bridge serve`), without TLS. `read` reads the newest executions of the
project that have ended, `run` starts the newest version of a workflow that needs no inputs; `--pids` names processes whose CPU time
(with that of their children) counts.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import statistics
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from flyteidl.admin import common_pb2, execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import admin_pb2_grpc

from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.credentials import Fixed
from flyte_bridge.backend.grpc import GrpcCaller
from flyte_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CALLERS = 20
"""Callers at once."""

POLLED, ROUNDS = 200, 10
"""Executions that a script asks for each second, and for how many seconds."""

PHASE = core_execution_pb2.WorkflowExecution
ENDED = {PHASE.SUCCEEDED, PHASE.FAILED, PHASE.ABORTED, PHASE.TIMED_OUT}


# -- soak -------------------------------------------------------------------------------------------------------------


async def soak(endpoint: str, calls: int, token: str) -> int:
    """Calls that were lost, of so many."""
    lost: list[str] = []
    left = iter(range(calls))
    async with BackendClient(
        GrpcCaller(endpoint, insecure=True, credentials=Fixed(token) if token else None)
    ) as backend:
        projects = (await backend.list_projects(limit=1)).projects
        known = projects[0].id

        async def caller() -> None:
            for number in left:
                try:
                    if number % 2:
                        assert (await backend.get_project(project_id=known)).id == known
                    else:
                        assert (await backend.list_projects(limit=10)).projects
                except (BridgeError, AssertionError, AttributeError, TypeError) as error:  # noqa: PERF203 - each counts
                    lost.append(f"{type(error).__name__}: {error}"[:200])

        began = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(CALLERS)))
        took = time.perf_counter() - began
    print(f"{calls} calls, {len(lost)} lost, {calls / took:.0f}/s")
    for text in sorted(set(lost))[:10]:
        print(f"  {text}")
    return 1 if lost else 0


# -- executions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """An endpoint of Flyte 1's API."""

    name: str
    stub: Any
    project: str
    domain: str
    metadata: tuple[tuple[str, str], ...]

    def execution(self, name: str) -> Any:
        """An execution."""
        key = identifier_pb2.WorkflowExecutionIdentifier(project=self.project, domain=self.domain, name=name)
        request = execution_pb2.WorkflowExecutionGetRequest(id=key)
        return self.stub.GetExecution(request, metadata=self.metadata)

    def newest(self, limit: int) -> list[Any]:
        """The newest executions."""
        request = common_pb2.ResourceListRequest(
            id=common_pb2.NamedEntityIdentifier(project=self.project, domain=self.domain),
            limit=limit,
            sort_by=common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING),
        )
        return list(self.stub.ListExecutions(request, metadata=self.metadata).executions)


def median(act: Callable[[], Any], times: int = 300) -> float:
    """Milliseconds of a call, after one that does not count."""
    act()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def rate(act: Callable[[], Any], calls: int = 4000) -> float:
    """Calls in a second with `CALLERS` at once."""
    with ThreadPoolExecutor(CALLERS) as pool:
        began = time.perf_counter()
        for done in [pool.submit(act) for _ in range(calls)]:
            done.result()
        return calls / (time.perf_counter() - began)


def polled(side: Side, names: Sequence[str]) -> tuple[float, float]:
    """Seconds that one round of a script takes which asks for 200 executions each second: the median, and the longest."""
    asked = [names[number % len(names)] for number in range(POLLED)]
    taken = []
    with ThreadPoolExecutor(CALLERS) as pool:
        for _ in range(ROUNDS):
            began = time.perf_counter()
            list(pool.map(side.execution, asked))
            taken.append(time.perf_counter() - began)
            time.sleep(max(0.0, 1 - taken[-1]))
    return statistics.median(taken), max(taken)


def rest(address: str, side: Side, name: str) -> float:
    """Milliseconds of GetExecution over REST, on a connection that is kept."""
    host, _, port = address.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    path = f"/api/v1/executions/{side.project}/{side.domain}/{name}"

    def ask() -> None:
        connection.request("GET", path, headers=dict(side.metadata))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status

    took = median(ask)
    connection.close()
    return took


def read(sides: Sequence[Side], over_rest: dict[str, str]) -> int:
    """Prints what reading costs."""
    for side in sides:
        ended = [found.id.name for found in side.newest(100) if found.closure.phase in ENDED]
        if not ended:
            print(f"{side.name}: no execution of {side.project}/{side.domain} has ended", file=sys.stderr)
            return 1
        single = median(lambda side=side, ended=ended: side.execution(ended[0]))
        each = rate(lambda side=side, ended=ended: side.execution(ended[0]))
        listed = median(lambda side=side: side.newest(20), 50)
        middle, longest = polled(side, ended)
        print(
            f"{side.name:12} GetExecution {single:6.2f} ms, {each:5.0f}/s   ListExecutions of 20 {listed:6.2f} ms   "
            f"{POLLED} executions each second: a round takes {middle:.2f} s, at most {longest:.2f} s"
        )
        if side.name in over_rest:
            print(f"{side.name:12} GetExecution over REST {rest(over_rest[side.name], side, ended[0]):6.2f} ms")
    return 0


# -- a workflow -------------------------------------------------------------------------------------------------------


def cpu(pids: Sequence[int]) -> float:
    """CPU seconds of processes, with those of their children that have ended."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def version_of(side: Side, workflow: str) -> str:
    """The newest version of a workflow."""
    named = common_pb2.NamedEntityIdentifier(project=side.project, domain=side.domain, name=workflow)
    newest = common_pb2.Sort(key="created_at", direction=common_pb2.Sort.DESCENDING)
    request = common_pb2.ResourceListRequest(id=named, limit=1, sort_by=newest)
    return str(side.stub.ListLaunchPlans(request, metadata=side.metadata).launch_plans[0].id.version)


def once(side: Side, workflow: str, version: str, limit: float) -> float:
    """Seconds from creation to the end, as the execution itself tells.

    Raises:
        TimeoutError: It has not ended in time.
        RuntimeError: It has not succeeded.
    """
    plan = identifier_pb2.Identifier(
        resource_type=identifier_pb2.LAUNCH_PLAN,
        project=side.project,
        domain=side.domain,
        name=workflow,
        version=version,
    )
    request = execution_pb2.ExecutionCreateRequest(
        project=side.project,
        domain=side.domain,
        name=f"b{uuid.uuid4().hex[:16]}",
        spec=execution_pb2.ExecutionSpec(launch_plan=plan, max_parallelism=25, overwrite_cache=True),
    )
    name = side.stub.CreateExecution(request, metadata=side.metadata).id.name
    until = time.monotonic() + limit
    while time.monotonic() < until:
        closure = side.execution(name).closure
        if closure.phase in ENDED:
            if closure.phase != PHASE.SUCCEEDED:
                raise RuntimeError(f"{name} on {side.name}: {PHASE.Phase.Name(closure.phase)} {closure.error.message}")
            return closure.updated_at.ToNanoseconds() / 1e9 - closure.created_at.ToNanoseconds() / 1e9
        time.sleep(0.2)
    raise TimeoutError(f"{name} on {side.name} has not ended within {limit:.0f} s")


def run(sides: Sequence[Side], workflow: str, times: int, pids: Sequence[int], limit: float) -> int:
    """Prints what a workflow takes."""
    for side in sides:
        version = version_of(side, workflow)
        before = cpu(pids)
        taken = [once(side, workflow, version, limit) for _ in range(times)]
        used = f"   {(cpu(pids) - before) / times:.2f} s of CPU each" if pids else ""
        print(f"{side.name:12} {workflow}: {statistics.median(taken):.2f} s of {times}{used}")
    return 0


def main() -> int:
    """Runs what is asked for; 1 if an answer was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["soak", "read", "run"])
    parser.add_argument("--flyte2", default="", help="host:port of a Flyte 2")
    parser.add_argument("--calls", type=int, default=50_000)
    parser.add_argument("--at", action="append", default=[], help="name=host:port of Flyte 1's API")
    parser.add_argument("--rest", action="append", default=[], help="name=host:port of its REST")
    parser.add_argument("--project", default="flytesnacks")
    parser.add_argument("--domain", default="development")
    parser.add_argument("--token", default=os.environ.get("FLYTE_BRIDGE_TOKEN", ""))
    parser.add_argument("--workflow", default="")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--pids", default="")
    parser.add_argument("--limit", type=float, default=300, help="seconds that one execution may take")
    given = parser.parse_args()
    if given.what == "soak":
        return asyncio.run(soak(given.flyte2, given.calls, given.token))
    metadata = (("authorization", f"Bearer {given.token}"),) if given.token else ()
    sides = []
    for text in given.at:
        name, _, address = text.partition("=")
        stub = admin_pb2_grpc.AdminServiceStub(grpc.insecure_channel(address))
        sides.append(Side(name, stub, given.project, given.domain, metadata))
    if given.what == "read":
        return read(sides, dict(text.split("=", 1) for text in given.rest))
    pids = [int(pid) for pid in given.pids.split(",") if pid]
    return run(sides, given.workflow, given.times, pids, given.limit)


if __name__ == "__main__":
    sys.exit(main())
