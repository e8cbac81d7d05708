"""The driver's speed: makespans against critical paths, its own CPU time and memory, its import time.

`python benchmarks/driver.py [--nodes 10000]` prints a table. Nodes are `core-sleep` actions, which need no process, so that
what is measured is the driver and the backend and not the start of Python. What the backend itself takes for an action is
measured beside it: a child enqueued and waited for by a bare client, one after the other and many at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import opened
from flyteidl.admin import execution_pb2, workflow_pb2
from flyteidl.core import identifier_pb2, interface_pb2, literals_pb2, tasks_pb2, types_pb2
from flyteidl.core import workflow_pb2 as core_workflow_pb2
from flyteidl2.actions import actions_service_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.task import common_pb2, task_definition_pb2

from flyte_bridge import config
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.backend.storage import Storage
from flyte_bridge.driver.children import Children
from flyte_bridge.embedded_client import instance
from flyte_bridge.registry import Registry
from flyte_bridge_translators.wire import execution as wire_execution
from flyte_bridge_translators.wire import identifier, phase
from flyte_bridge_translators.wire import task as wire_task
from flyte_bridge_translators.wire import workflow as wire_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Shape = Mapping[str, tuple[float, Sequence[str]]]

PROJECT, DOMAIN, ORG = "flytesnacks", "development", "local"
TASK = identifier_pb2.Identifier(
    resource_type=identifier_pb2.TASK, project=PROJECT, domain=DOMAIN, name="bench.sleep", version="v1"
)
SAMPLES = 40


def sleep_template() -> tasks_pb2.TaskTemplate:
    """A task that lets time pass."""
    template = tasks_pb2.TaskTemplate(id=TASK, type="core-sleep", metadata=tasks_pb2.TaskMetadata())
    template.metadata.runtime.version = "1"
    variable = interface_pb2.Variable(type=types_pb2.LiteralType(simple=types_pb2.DURATION))
    template.interface.inputs.variables["duration"].CopyFrom(variable)
    template.interface.outputs.SetInParent()
    return template


# -- shapes: node → seconds and what it waits for ---------------------------------------------------------------------


def chain() -> Shape:
    return {f"n{i}": (0.4, [f"n{i - 1}"] if i else []) for i in range(10)}


def diamond() -> Shape:
    return {"a": (0.5, []), "b": (1.0, ["a"]), "c": (0.5, ["a"]), "d": (0.5, ["b", "c"])}


def unbalanced() -> Shape:
    """Two chains whose long and short steps lie crosswise: level by level it would take 8 s."""
    left = {f"l{i}": (2.0 if i % 2 else 0.2, [f"l{i - 1}"] if i else []) for i in range(4)}
    right = {f"r{i}": (0.2 if i % 2 else 2.0, [f"r{i - 1}"] if i else []) for i in range(4)}
    return {**left, **right, "end": (0.2, ["l3", "r3"])}


def wide() -> Shape:
    return {**{f"n{i}": (3.0, []) for i in range(100)}, "end": (0.2, [f"n{i}" for i in range(100)])}


def shared() -> Shape:
    """A fan-out whose branches share a slow and a quick source."""
    shape: dict[str, tuple[float, Sequence[str]]] = {"slow": (2.0, []), "quick": (0.2, [])}
    for i in range(10):
        shape[f"q{i}"] = (2.0, ["quick"])
        shape[f"s{i}"] = (0.5, ["slow", f"q{i}"])
    return shape


def longest(shape: Shape) -> tuple[float, int]:
    """Seconds and actions on the critical path."""
    found: dict[str, tuple[float, int]] = {}
    for name, (seconds, waits) in shape.items():
        before = max((found[one] for one in waits), default=(0.0, 0))
        found[name] = (before[0] + seconds, before[1] + 1)
    return max(found.values())


def closure(name: str, shape: Shape, *, levels: int = 0) -> Any:
    """A compiled workflow of that shape; with levels, as a sub-workflow of a sub-workflow of one."""
    inner = _template(name, [_node(one, seconds, waits) for one, (seconds, waits) in shape.items()])
    subs = []
    for level in range(levels):
        subs.append(inner)
        node = core_workflow_pb2.Node(id="n0")
        node.metadata.name = f"level-{level}"
        node.workflow_node.sub_workflow_ref.CopyFrom(inner.id)
        inner = _template(f"{name}-{level}", [node])
    return wire_workflow.compile(inner, subs, [sleep_template()])


def _template(name: str, nodes: list[Any]) -> Any:
    template = core_workflow_pb2.WorkflowTemplate(nodes=nodes)
    template.id.CopyFrom(TASK)
    template.id.resource_type, template.id.name = identifier_pb2.WORKFLOW, f"bench.{name}"
    template.interface.inputs.SetInParent()
    template.interface.outputs.SetInParent()
    return template


def _node(name: str, seconds: float, waits: Sequence[str]) -> Any:
    node = core_workflow_pb2.Node(id=name, upstream_node_ids=waits)
    node.metadata.name = name
    node.task_node.reference_id.CopyFrom(TASK)
    binding = node.inputs.add(var="duration").binding.scalar.primitive.duration
    binding.FromNanoseconds(int(seconds * 1e9))
    return node


# -- runs -------------------------------------------------------------------------------------------------------------


class Bench:
    """A backend to measure."""

    def __init__(self, running: instance.Instance, data_dir: Path) -> None:
        self.running = running
        self.data_dir = data_dir

    async def drive(self, backend: BackendClient, compiled: Any) -> tuple[float, float, float]:
        """Run a workflow: makespan in seconds, the driver's CPU seconds, its memory at most in MiB."""
        workflow = workflow_pb2.Workflow(id=compiled.primary.template.id)
        workflow.id.version = uuid.uuid4().hex[:8]
        workflow.closure.compiled_workflow.CopyFrom(compiled)
        await Registry(backend, config.load()).put_workflow(workflow)
        name = f"b{uuid.uuid4().hex[:12]}"
        request = wire_execution.to_run(
            project=PROJECT,
            domain=DOMAIN,
            name=name,
            spec=execution_pb2.ExecutionSpec(launch_plan=workflow.id),  # max_parallelism 0: unlimited
            task=identifier.deployed(workflow.id, org=ORG),
            inputs=literals_pb2.LiteralMap(),
            org=ORG,
        )
        watched = Watched(self.data_dir / "work" / PROJECT / DOMAIN / name / "a0" / "1" / "pid.json")
        watched.start()
        await backend.create_run(run_id=request.run_id, task_id=request.task_id, run_spec=request.run_spec)
        root = v2_identifier_pb2.ActionIdentifier(run=request.run_id, name="a0")
        details: Any = None
        async for details in backend.watch_action(action_id=root):  # noqa: B007 - the last one counts
            pass
        watched.ended.set()
        watched.join()
        assert details.status.phase in phase.GOOD, details.error_info
        took = details.status.end_time.ToNanoseconds() - details.status.start_time.ToNanoseconds()
        return took / 1e9, watched.cpu, watched.memory

    async def raw(self, backend: BackendClient, count: int, *, together: bool) -> float:
        """Seconds that a bare client takes for so many children that end at once."""
        v2 = wire_task.to_v2(sleep_template())
        run = v2_identifier_pb2.RunIdentifier(org=ORG, project=PROJECT, domain=DOMAIN, name=f"r{uuid.uuid4().hex[:12]}")
        inputs = common_pb2.Inputs()
        inputs.literals.add(name="duration").value.scalar.primitive.duration.FromSeconds(600)
        task_spec = task_definition_pb2.TaskSpec(task_template=v2, short_name="sleep")
        await backend.create_run(run_id=run, task_spec=task_spec, inputs=inputs)
        root = v2_identifier_pb2.ActionIdentifier(run=run, name="a0")
        storage, children = Storage(self.environment()), Children(backend, root)
        await children.start()
        base = f"s3://flyte/bench/{run.name}"
        nothing = literals_pb2.LiteralMap()
        nothing.literals["duration"].scalar.primitive.duration.FromSeconds(0)

        async def one(index: int) -> None:
            await storage.write(f"{base}/n{index}/inputs.pb", nothing.SerializeToString())
            action = actions_service_pb2.Action(run_output_base=base, input_uri=f"{base}/n{index}/inputs.pb")
            action.action_id.name = f"n{index}"
            action.task.spec.CopyFrom(task_spec)
            await children.enqueue(action)
            await children.end(f"n{index}")

        began = time.perf_counter()
        if together:
            await asyncio.gather(*(one(index) for index in range(count)))
        else:
            for index in range(count):
                await one(index)
        took = time.perf_counter() - began
        await children.stop()
        await backend.abort_run(run_id=run, reason="measured")
        return took

    def environment(self) -> dict[str, str]:
        """Where the backend's storage is."""
        return {
            "FLYTE_AWS_ENDPOINT": self.running.url,
            "FLYTE_AWS_ACCESS_KEY_ID": "any",
            "FLYTE_AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
        }


class Watched(threading.Thread):
    """Reads a process's CPU time and memory until it has ended."""

    def __init__(self, pid_file: Path) -> None:
        super().__init__(daemon=True)
        self._pid_file = pid_file
        self.ended = threading.Event()
        self.cpu = self.memory = 0.0

    def run(self) -> None:
        """Look every few milliseconds."""
        tick = os.sysconf("SC_CLK_TCK")
        while not self.ended.is_set():
            try:
                pid = json.loads(self._pid_file.read_text())["pid"]
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                self.cpu = (int(fields[11]) + int(fields[12])) / tick
                status = Path(f"/proc/{pid}/status").read_text()
                high = next(line for line in status.splitlines() if line.startswith("VmHWM"))
                self.memory = int(high.split()[1]) / 1024
            except (OSError, ValueError, StopIteration):
                pass
            time.sleep(0.02)


def import_time() -> float:
    """Seconds until the driver's modules are there, the interpreter's own start left out."""
    source = (
        "import time; began = time.perf_counter(); import flyte_bridge.driver.main, flyte_bridge.driver.drive, "
        "flyte_bridge.backend.connect, flyte_bridge.backend.storage, flyte_bridge.driver.nodes.task; "
        "print(time.perf_counter() - began)"
    )
    told = [subprocess.run([sys.executable, "-c", source], capture_output=True, check=True) for _ in range(7)]
    return min(float(one.stdout) for one in told)  # others' load only ever adds to it


async def measure(bench: Bench, nodes: int) -> None:
    """Measure, and print."""
    async with opened.client(bench.running) as backend:
        await bench.drive(backend, closure("warm-up", {"n0": (0.0, [])}))
        alone = min([(await bench.drive(backend, closure("alone", {"n0": (0.0, [])})))[0] for _ in range(5)])
        one = await bench.raw(backend, SAMPLES, together=False) / SAMPLES
        many = await bench.raw(backend, 100, together=True) / 100
        start = max(0.0, alone - one)
        print(f"import time {import_time():.2f} s (target 0.4)")
        print(
            f"the backend's own: an action after another {one * 1e3:.1f} ms each, 100 at once {many * 1e3:.1f} ms each"
        )
        print(f"a driver's start and end {start:.2f} s\n")
        print(f"{'shape':<12}{'nodes':>6}{'critical path':>15}{'+ backend':>11}{'makespan':>10}{'ratio':>7}")
        shapes = [
            ("chain", chain(), 0),
            ("diamond", diamond(), 0),
            ("unbalanced", unbalanced(), 0),
            ("wide", wide(), 0),
        ]
        for name, shape, levels in [*shapes, ("shared", shared(), 0), ("nested", unbalanced(), 6)]:
            seconds, actions = longest(shape)
            took, _, _ = await bench.drive(backend, closure(name, shape, levels=levels))
            bound = seconds + actions * one + len(shape) * many
            print(
                f"{name:<12}{len(shape):>6}{seconds:>13.2f} s{bound:>9.2f} s{took - start:>8.2f} s{(took - start) / bound:>7.2f}"
            )
        print()
        for count in sorted({1000, nodes}):
            flat: Shape = {f"n{i}": (0.0, [f"n{i - 100}"] if i >= 100 else []) for i in range(count)}
            took, cpu, memory = await bench.drive(backend, closure(f"many-{count}", flat))
            raw = await bench.raw(backend, count, together=True) if count == 1000 else 0.0
            beside = f"; the bare client {raw:.1f} s, ratio {took / raw:.2f}" if raw else ""
            print(
                f"{count} nodes: {took:.1f} s{beside}; driver's CPU {cpu / count * 1e3:.2f} ms per node (target 5), "
                f"memory {memory:.0f} MiB (target 150)"
            )


def main() -> None:
    """Start a backend, and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=10000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory) / "data"
        running = instance.start(data_dir)
        try:
            asyncio.run(measure(Bench(running, data_dir), given.nodes))
        finally:
            instance.stop(data_dir)


if __name__ == "__main__":
    main()
