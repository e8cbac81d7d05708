"""What reading executions through Flyte 1's API costs: single ones, lists of a hundred, polls of all nodes.

`python benchmarks/executions.py [--runs 10000 100000] [--nodes 50 1000]` prints a table. Everything is asked by flytekit's
own client: over the embedded backend's port, and in process. Beside it stands flytekit against a bare servicer that
answers at once, which is what flytekit and gRPC cost by themselves. Runs are copied in the backend's own store: one real
run, as often as asked for.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import tempfile
import threading
import time
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import opened
from flyteidl.admin import execution_pb2
from flyteidl.service import admin_pb2_grpc
from flyteidl2.task import run_pb2, task_definition_pb2
from flytekit import task, workflow
from flytekit.configuration import Config, Image, ImageConfig, SerializationSettings
from flytekit.core.workflow import ImperativeWorkflow
from flytekit.remote import FlyteRemote

from flyte_bridge import FlyteRemote as InProcess
from flyte_bridge import config
from flyte_bridge.backend.keys import RunKey
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded.events import StatusChange
from flyte_bridge.embedded.ledger import Ledger
from flyte_bridge.embedded.model import EventKind
from flyte_bridge.embedded.store import Store
from flyte_bridge.embedded.watch import Hub
from flyte_bridge.embedded_client import instance
from flyte_bridge_translators.wire import execution, identifier

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT, DOMAIN, VERSION = "flytesnacks", "development", "v1"
CALLS, POLLS, CLIENTS = 100, 5, 20
SETTINGS = SerializationSettings(
    image_config=ImageConfig(Image("default", "registry.example/app", "1")),
    project=PROJECT,
    domain=DOMAIN,
    version=VERSION,
)


@task
def twice(a: int) -> int:
    return 2 * a


@workflow
def one(a: int) -> int:
    return twice(a=a)


def wide(nodes: int) -> ImperativeWorkflow:
    """A workflow of nodes that do not wait for each other."""
    made = ImperativeWorkflow(name=f"bench.wide{nodes}")
    made.add_workflow_input("a", int)
    for _ in range(nodes):
        made.add_entity(twice, a=made.inputs["a"])
    return made


# -- runs that were never run -----------------------------------------------------------------------------------------


class Copies:
    """Copies of one real run, in the backend's own store; its server must be down."""

    def __init__(self, data_dir: Path, run: str) -> None:
        self.store = Store(data_dir / "flyte.db")
        self.ledger = Ledger(self.store, Hub())
        self._root = self._read(run, identifier.ROOT)
        self._node = self._read(run, "n0")

    def _read(self, run: str, name: str) -> tuple[Any, bytes, list[Any]]:
        record = self.ledger.find(RunKey(PROJECT, DOMAIN, run).action(name))
        assert record is not None
        return record, self.ledger.task_spec(record), self.ledger.entries(record, EventKind.ATTEMPT)

    def add(self, run: str, source: tuple[Any, bytes, list[Any]], name: str, spec: bytes | None = None) -> None:
        """One action more."""
        record, own, entries = source
        run_spec = run_pb2.RunSpec.FromString(record.run_spec)
        run_spec.annotations.values[execution.NAME] = run
        if spec is not None:  # another workflow: the run does not say which
            del run_spec.annotations.values[execution.SPEC]
            del run_spec.annotations.values[execution.FACTS]
        fresh = dataclasses.replace(
            record,
            key=RunKey(PROJECT, DOMAIN, run).action(name),
            phase=Phase.QUEUED,
            created_at=self.store.clock.now(),
            started_at=None,
            ended_at=None,
            run_spec=run_spec.SerializeToString(),
        )
        made = self.ledger.create(fresh, task_spec=own if spec is None else spec)
        for entry in entries:
            self.ledger.log_attempt(made, entry.attempt, entry.phase, entry.body)
        self.ledger.change(
            made.key, StatusChange(Phase.SUCCEEDED, started_at=made.created_at, output_uri=record.output_uri)
        )

    def runs(self, total: int, have: int) -> None:
        """Brings the number of copies up to `total`."""
        while have < total:
            with self.store.transaction():
                for number in range(have, min(have + 1000, total)):
                    self.add(f"stored-{number}", self._root, identifier.ROOT)
            have = min(have + 1000, total)

    def wide(self, run: str, nodes: int, spec: bytes) -> None:
        """A run of a wide workflow."""
        with self.store.transaction():
            self.add(run, self._root, identifier.ROOT, spec)
            for number in range(nodes):
                self.add(run, self._node, f"n{number}")


# -- what is measured -------------------------------------------------------------------------------------------------


def median(act: Callable[[], Any], times: int) -> float:
    """Milliseconds."""
    act()
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begin) * 1000)
    return statistics.median(taken)


class _Echo(admin_pb2_grpc.AdminServiceServicer):  # type: ignore[misc]
    """Answers at once what it was given."""

    def __init__(self, single: Any, many: Any) -> None:
        self._single, self._many = single, many

    def GetExecution(self, _request: Any, _context: Any) -> Any:  # noqa: N802 - the RPC's name
        return self._single

    def ListExecutions(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return self._many


def bare(single: Any, many: list[Any]) -> tuple[Any, FlyteRemote]:
    """flytekit against a servicer that does nothing."""
    server = grpc.server(futures.ThreadPoolExecutor(4))
    listed = execution_pb2.ExecutionList(executions=many)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(_Echo(single, listed), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, remote(Config.for_endpoint(f"127.0.0.1:{port}", insecure=True))


def remote(told: Config) -> FlyteRemote:
    """flytekit's own remote."""
    return FlyteRemote(told, default_project=PROJECT, default_domain=DOMAIN)


def listing(client: Any) -> Callable[[], Any]:
    """The newest hundred."""
    from flytekit.remote.remote import MOST_RECENT_FIRST

    return lambda: client.list_executions_paginated(PROJECT, DOMAIN, limit=100, sort_by=MOST_RECENT_FIRST)


def polls_at_once(running: instance.Instance, run: str) -> tuple[float, int]:
    """Seconds until twenty clients have polled three times each, and how many polls failed."""
    failures = []

    def client() -> None:
        own = remote(opened.flytekit(running))
        try:
            found = own.fetch_execution(name=run)
            for _ in range(3):
                own.sync(found, sync_nodes=True)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin, len(failures)


def prepare(data_dir: Path, nodes: list[int]) -> tuple[str, dict[int, bytes]]:
    """One real run, and the workflows deployed."""
    running = instance.start(data_dir)
    own = remote(opened.flytekit(running))
    own.register_workflow(one, serialization_settings=SETTINGS, version=VERSION)
    execution_ = own.execute(one, inputs={"a": 1}, version=VERSION, wait=False)
    while not own.sync(execution_).is_done:
        time.sleep(0.2)
    specs = {}
    for count in nodes:
        made = wide(count)
        own.register_workflow(made, serialization_settings=SETTINGS, version=VERSION)
        specs[count] = deployed(running, made.name)
    instance.stop(data_dir)
    return execution_.id.name, specs


def deployed(running: instance.Instance, name: str) -> bytes:
    """The task that a workflow's launch plan is in Flyte 2."""
    import asyncio

    async def read() -> bytes:
        async with opened.client(running) as backend:
            where = task_definition_pb2.TaskIdentifier(
                org="local",
                project=PROJECT,
                domain=DOMAIN,
                name=identifier.task_name(identifier.LAUNCH_PLAN, name),
                version=VERSION,
            )
            return bytes((await backend.get_task(task_id=where)).spec.SerializeToString())

    return asyncio.run(read())


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--nodes", type=int, nargs="*", default=[50, 1000])
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryDirectory() as directory:
        measure(Path(directory) / "data", given.runs, given.nodes)


def measure(data_dir: Path, totals: list[int], nodes: list[int]) -> None:
    """Measures, and prints as it goes."""
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    run, specs = prepare(data_dir, nodes)
    copies = Copies(data_dir, run)
    for count, spec in specs.items():
        copies.wide(f"wide-{count}", count, spec)
    copies.store.close()
    print(f"{'median, ms':34} {'in process':>11} {'on the wire':>12} {'bare':>9}")
    have = 0
    for total in totals:
        copies = Copies(data_dir, run)
        copies.runs(total, have)
        copies.store.close()
        have = total
        running = instance.start(data_dir)
        wire, near = remote(opened.flytekit(running)), InProcess(settings=config.load(data_dir=data_dir))
        single = wire.client.get_execution(wire.fetch_execution(name="stored-0").id)
        many, _ = listing(wire.client)()
        server, echo = bare(single.to_flyte_idl(), [item.to_flyte_idl() for item in many])
        rows: dict[str, Callable[[Any], Callable[[], Any]]] = {
            f"GetExecution, {total:,} stored": lambda own, who=single.id: lambda: own.client.get_execution(who),
            f"ListExecutions of 100, {total:,} stored": lambda own: listing(own.client),
        }
        for name, made in rows.items():
            told = [median(made(own), CALLS) for own in (near, wire, echo)]
            print(f"{name:34} {told[0]:11.2f} {told[1]:12.2f} {told[2]:9.2f}", flush=True)
        server.stop(None)
        if total == totals[-1]:
            for count in nodes:
                found = wire.fetch_execution(name=f"wide-{count}")
                own_found = near.fetch_execution(name=f"wide-{count}")
                first = time.perf_counter()
                wire.sync(found, sync_nodes=True)
                first = (time.perf_counter() - first) * 1000
                told = [
                    median(lambda: near.sync(own_found, sync_nodes=True), POLLS),  # noqa: B023 - called before the next
                    median(lambda: wire.sync(found, sync_nodes=True), POLLS),  # noqa: B023
                ]
                name = f"sync_nodes of {count:,} nodes"
                print(f"{name:34} {told[0]:11.1f} {told[1]:12.1f} {'':9} (the first {first:.0f})", flush=True)
            taken, failed = polls_at_once(running, f"wide-{nodes[0]}")
            print(f"{CLIENTS} clients, 3 polls of {nodes[0]} nodes each: {taken:.1f} s, {failed} failures")
        instance.stop(data_dir)


if __name__ == "__main__":
    main()
