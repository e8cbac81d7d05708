"""What an array node costs beyond what the backend takes: `python benchmarks/fan_out.py [--elements 500 2000]`.

Elements are `core-sleep` actions, which need no process. The same number of them is enqueued and waited for by a bare
client; the ratio of the two says how much of a fan-out is the driver's.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

import opened
from flyteidl.core import literals_pb2
from flyteidl.core import workflow_pb2 as core_workflow_pb2

from driver import TASK, Bench, _template, closure, sleep_template
from flyte_bridge.embedded_client import instance
from flyte_bridge_translators.wire import workflow as wire_workflow


def fan_out(elements: int) -> Any:
    """A workflow that is one array of that many elements."""
    durations = literals_pb2.BindingData()
    durations.collection.SetInParent()
    for _ in range(elements):
        durations.collection.bindings.add().scalar.primitive.duration.SetInParent()
    bindings = [literals_pb2.Binding(var="duration", binding=durations)]
    node = core_workflow_pb2.Node(id="n0", inputs=bindings)
    node.metadata.name = "sleeps"
    node.array_node.parallelism = 0
    node.array_node.is_original_sub_node_interface.value = True
    node.array_node.node.id = "element"
    node.array_node.node.task_node.reference_id.CopyFrom(TASK)
    node.array_node.node.inputs.extend(bindings)
    return wire_workflow.compile(_template(f"fan-{elements}", [node]), [], [sleep_template()])


async def measure(bench: Bench, sizes: list[int]) -> None:
    """Measure, and print."""
    async with opened.client(bench.running) as backend:
        await bench.drive(backend, closure("warm-up", {"n0": (0.0, [])}))
        for size in sizes:
            took, cpu, memory = await bench.drive(backend, fan_out(size))
            raw = await bench.raw(backend, size, together=True)
            print(
                f"{size} elements: {took:.2f} s, a bare client {raw:.2f} s, ratio {took / raw:.2f}; "
                f"driver's CPU {cpu / size * 1e3:.2f} ms per element, memory {memory:.0f} MiB"
            )


def main() -> None:
    """Start a backend, and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--elements", type=int, nargs="+", default=[500, 2000])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory) / "data"
        running = instance.start(data_dir)
        try:
            asyncio.run(measure(Bench(running, data_dir), given.elements))
        finally:
            instance.stop(data_dir)


if __name__ == "__main__":
    main()
