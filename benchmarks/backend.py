"""The embedded backend's speed: idle memory, RPC latency at 1,000 and 100,000 stored runs, wide runs, many waiters.

`python benchmarks/backend.py [--runs 100000] [--actions 10000] [--dir DIRECTORY]` prints a table. Each latency stands
beside a raw call in the same run (an RPC that does nothing), so that the numbers of two machines can be compared.
The server is a process of its own; runs are stored through the backend's own store, everything else by RPC.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import opened
from flyteidl2.actions import actions_service_pb2, actions_service_pb2_grpc
from flyteidl2.cluster import payload_pb2
from flyteidl2.cluster.service_connect import ClusterServiceClient
from flyteidl2.common import identifier_pb2, list_pb2
from flyteidl2.core import types_pb2
from flyteidl2.task import task_definition_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2, run_service_pb2_grpc
from flyteidl2.workflow.run_service_connect import RunServiceClient

from flyte_bridge.backend.keys import RunKey, TaskKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.ledger import Ledger
from flyte_bridge.embedded.model import ActionRecord, ActionType
from flyte_bridge.embedded.store import Store
from flyte_bridge.embedded.watch import Hub
from flyte_bridge.embedded_client import instance

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

PROJECT, DOMAIN = "flytesnacks", "development"
CALLS = 300
WAITERS = 100


# -- what is measured -------------------------------------------------------------------------------------------------


def rss(pid: int) -> float:
    """A process's resident memory, MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def children(pid: int) -> list[int]:
    """The processes a process has started: the forkservers."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(entry.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.parent.name))
    return found


def store_runs(data_dir: Path, total: int) -> None:
    """Brings the number of stored, ended runs up to `total`."""
    store = Store(data_dir / "flyte.db")
    ledger = Ledger(store, Hub())
    have = store.one("SELECT count(*) FROM actions")[0]
    spec = task_definition_pb2.TaskSpec(short_name="t")
    spec.task_template.id.name = "env.t"
    body = spec.SerializeToString()
    while have < total:
        with store.transaction():
            for number in range(have, min(have + 1000, total)):
                now = store.clock.now()
                key = RunKey(PROJECT, DOMAIN, f"stored-{number}").action()
                ledger.create(
                    ActionRecord(
                        id=0, version=0, key=key, parent=None, type=ActionType.TASK, phase=Phase.QUEUED,
                        created_at=now, updated_at=now, task=TaskKey(PROJECT, DOMAIN, f"env.t{number % 50}", "v1"),
                        short_name="t", subject="me",
                    ),
                    task_spec=body,
                    labels={"team": f"t{number % 7}"},
                )  # fmt: skip
                ledger.change(key, StatusChange(Phase.SUCCEEDED if number % 3 else Phase.FAILED, started_at=now))
        have = min(have + 1000, total)
    store.close()


def run_id(name: str) -> identifier_pb2.RunIdentifier:
    """A run of the default project."""
    return identifier_pb2.RunIdentifier(project=PROJECT, domain=DOMAIN, name=name)


def requests(client: RunServiceClient, raw: ClusterServiceClient) -> dict[str, Callable[[int], Awaitable[Any]]]:
    """The calls whose latency is told, each as a function of its number."""
    scope = identifier_pb2.ProjectIdentifier(name=PROJECT, domain=DOMAIN)
    newest = list_pb2.Sort(key="created_at", direction=list_pb2.Sort.DESCENDING)

    def listing(*filters: list_pb2.Filter, **fields: Any) -> Awaitable[Any]:
        request = list_pb2.ListRequest(limit=10, filters=filters, **fields)
        return client.list_runs(run_service_pb2.ListRunsRequest(request=request, project_id=scope))

    def equal(field: str, value: str) -> list_pb2.Filter:
        return list_pb2.Filter(function=list_pb2.Filter.EQUAL, field=field, values=[value])

    return {
        "raw call (SelectCluster)": lambda _n: raw.select_cluster(payload_pb2.SelectClusterRequest()),
        "GetRunDetails": lambda n: client.get_run_details(
            run_service_pb2.GetRunDetailsRequest(run_id=run_id(f"stored-{n % 1000}"))
        ),
        "GetActionDataURIs": lambda n: client.get_action_data_u_r_is(
            run_service_pb2.GetActionDataURIsRequest(
                action_id=identifier_pb2.ActionIdentifier(run=run_id(f"stored-{n % 1000}"), name="a0")
            )
        ),
        "ListRuns, 10 in default order": lambda _n: listing(),
        "ListRuns, 10 newest": lambda _n: listing(sort_by=newest),
        "ListRuns, 10 newest of a task": lambda n: listing(equal("task_name", f"env.t{n % 50}"), sort_by=newest),
        "ListRuns, 10 newest that failed": lambda _n: listing(equal("phase", "6"), sort_by=newest),
        "ListRuns, 10 newest of a label": lambda n: listing(equal("labels.team", f"t{n % 7}"), sort_by=newest),
        "ListActions": lambda n: client.list_actions(
            run_service_pb2.ListActionsRequest(run_id=run_id(f"stored-{n % 1000}"))
        ),
    }


async def latencies(small: str, large: str) -> dict[str, tuple[float, float]]:
    """The median latency of each call on two servers, milliseconds; asked in turns, so that both feel the same load."""
    medians = {}
    async with contextlib.AsyncExitStack() as stack:
        sides = []
        for endpoint in (small, large):
            url = f"http://{endpoint}"
            client = await stack.enter_async_context(RunServiceClient(url))
            raw = await stack.enter_async_context(ClusterServiceClient(url))
            sides.append(requests(client, raw))
        for name in sides[0]:
            times: tuple[list[float], list[float]] = ([], [])
            for number in range(-20, CALLS):
                for side, taken in zip(sides, times, strict=True):
                    began = time.perf_counter()
                    await side[name](abs(number))
                    if number >= 0:
                        taken.append((time.perf_counter() - began) * 1000)
            medians[name] = (statistics.median(times[0]), statistics.median(times[1]))
    return medians


def wide_run(channel: grpc.Channel, name: str, count: int) -> dict[str, float]:
    """Seconds to fill a run with open children, and to list, watch and abort it."""
    runs = run_service_pb2_grpc.RunServiceStub(channel)
    actions = actions_service_pb2_grpc.ActionsServiceStub(channel)
    sleeping(runs, name, 3600)
    root = identifier_pb2.ActionIdentifier(run=run_id(name), name="a0")
    condition = run_definition_pb2.ConditionAction(name="c", type=types_pb2.LiteralType(simple=types_pb2.BOOLEAN))

    def action(number: int) -> actions_service_pb2.Action:
        return actions_service_pb2.Action(
            action_id=identifier_pb2.ActionIdentifier(run=run_id(name), name=f"c{number}"),
            parent_action_name="a0",
            input_uri="s3://none",
            condition=condition,
        )

    took: dict[str, float] = {}

    @contextmanager
    def timed(what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took[what] = time.perf_counter() - began

    with timed("enqueue"):
        for number in range(count):
            actions.Enqueue(actions_service_pb2.EnqueueRequest(action=action(number)))
    with timed("list"):
        token, seen = "", 0
        while True:
            request = list_pb2.ListRequest(limit=200, token=token)
            page = runs.ListActions(run_service_pb2.ListActionsRequest(run_id=run_id(name), request=request))
            seen += len(page.actions)
            token = page.token
            if not token:
                break
        assert seen == count + 1
    with timed("watch: snapshot"):
        stream = runs.WatchActions(run_service_pb2.WatchActionsRequest(run_id=run_id(name)))
        told = 0
        while told < count + 1:
            told += len(next(stream).enriched_actions)
    controller = actions.WatchForUpdates(actions_service_pb2.WatchForUpdatesRequest(parent_action_id=root))
    with timed("controller: snapshot"):
        for response in controller:
            if response.HasField("control_message"):
                break
    with timed("abort"):
        runs.AbortRun(run_service_pb2.AbortRunRequest(run_id=run_id(name)))
    with timed("watch: all ends told"):
        for _ in stream:
            pass
    controller.cancel()
    return took


def waiters(channel: grpc.Channel, name: str) -> float:
    """Seconds from a run's end until a hundred waiting clients know."""
    runs = run_service_pb2_grpc.RunServiceStub(channel)
    sleeping(runs, name, 3600)
    root = identifier_pb2.ActionIdentifier(run=run_id(name), name="a0")
    ready = threading.Barrier(WAITERS + 1)
    ended: list[float] = []

    def wait() -> None:
        stream = runs.WatchActionDetails(run_service_pb2.WatchActionDetailsRequest(action_id=root))
        next(stream)
        ready.wait()
        for _ in stream:
            pass
        ended.append(time.perf_counter())

    threads = [threading.Thread(target=wait) for _ in range(WAITERS)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    runs.AbortRun(run_service_pb2.AbortRunRequest(run_id=run_id(name)))
    for thread in threads:
        thread.join()
    return max(ended) - began


def sleeping(runs: run_service_pb2_grpc.RunServiceStub, name: str, seconds: int) -> None:
    """Makes a run whose root sleeps, without a process."""
    request = run_service_pb2.CreateRunRequest(run_id=run_id(name))
    template = request.task_spec.task_template
    template.type = "core-sleep"
    template.id.name = "bench.sleep"
    template.interface.inputs.variables.add(key="duration").value.type.simple = types_pb2.DURATION
    request.inputs.literals.add(name="duration").value.scalar.primitive.duration.seconds = seconds
    runs.CreateRun(request)


# -- the table --------------------------------------------------------------------------------------------------------


@contextmanager
def serving(data_dir: Path) -> Iterator[instance.Instance]:
    """A server process on a directory."""
    running = instance.start(data_dir)
    try:
        yield running
    finally:
        instance.stop(data_dir)


def main() -> None:
    """Measures, and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--actions", type=int, default=10_000)
    parser.add_argument("--dir", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        measure(Path(directory), options.runs, options.actions)


def measure(directory: Path, stored: int, actions: int) -> None:
    """Measures in a directory, and prints the table."""
    small_dir, large_dir = directory / "small", directory / "large"
    began = time.perf_counter()
    with serving(small_dir) as running:
        print(f"ready after {time.perf_counter() - began:.2f} s (target 1)")
        time.sleep(1)
        forkservers = sum(rss(pid) for pid in children(running.pid))
        print(f"idle memory {rss(running.pid):.0f} MiB (target 120), its warm forkserver {forkservers:.0f} MiB")
    with serving(large_dir):
        pass
    store_runs(small_dir, 1000)
    store_runs(large_dir, stored)
    with serving(small_dir) as small, serving(large_dir) as large:
        medians = asyncio.run(latencies(opened.path(small), opened.path(large)))
        raw = statistics.mean(medians["raw call (SelectCluster)"])
        print(f"\n{'median of ' + str(CALLS) + ' calls':34}{'1,000':>10}{stored:>10,}{'ratio':>8}{'× raw':>8}")
        for name, (before, after) in medians.items():
            print(f"{name:34}{before:8.2f}ms{after:8.2f}ms{after / before:8.2f}{after / raw:8.2f}")
        with opened.channel(large) as channel:
            tenth = wide_run(channel, "tenth", actions // 10)
            whole = wide_run(channel, "whole", actions)
            print(f"\n{'seconds for a run of':34}{actions // 10:>10,}{actions:>10,}{'ratio':>8}")
            for name, before in tenth.items():
                print(f"{name:34}{before:9.3f}s{whole[name]:9.3f}s{whole[name] / before:8.1f}")
            print(f"\n{WAITERS} waiters know of the end after {waiters(channel, 'waited'):.3f} s")
        print(f"memory with all of it {rss(large.pid):.0f} MiB")


if __name__ == "__main__":
    main()
