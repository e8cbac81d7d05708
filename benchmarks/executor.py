"""What an attempt costs over the task's own body, and how fast one parent fans out, beside plain process start.

`python benchmarks/executor.py [--children 200] [--repeats 15] [--json FILE]` prints a table. All rows are of one run on
one machine; the ratios mean more than the milliseconds. Attempts are real: `pyflyte-execute` and `a0` against the
object store's S3 endpoint, with inputs read and outputs written. The fan-out is the unmodified flyte SDK against
a backend in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import opened
from flyteidl2.core.literals_pb2 import Literal, Primitive, Scalar
from flyteidl2.task.common_pb2 import Inputs, NamedLiteral, Outputs

from flyte_bridge.backend.keys import ActionKey
from flyte_bridge.embedded.executor import AttemptJob, Executor, ExecutorOptions, backend_env
from flyte_bridge.embedded.objects import ObjectStore
from flyte_bridge.embedded_client import access, instance

if TYPE_CHECKING:
    from collections.abc import Callable

V1 = """
import time
from flytekit import task

@task
def body(seconds: float) -> float:
    began = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - began
"""

V2 = """
import asyncio, time
import flyte

env = flyte.TaskEnvironment(name="bench")

@env.task
def body(seconds: float) -> float:
    began = time.perf_counter()
    time.sleep(seconds)
    return time.perf_counter() - began

@env.task
async def leaf(x: int) -> int:
    return x

@env.task
async def parent(n: int) -> int:
    return sum(await asyncio.gather(*(leaf(i) for i in range(n))))
"""

SERIALISE_V1 = """
import sys, bench_v1
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.tools.translator import get_serializable
image = Image(name="default", fqn="example.org/bench", tag="1")
settings = SerializationSettings(
    image_config=ImageConfig(default_image=image), project="p", domain="development", version="v1"
)
spec = get_serializable({}, settings, bench_v1.body)
sys.stdout.buffer.write(spec.to_flyte_idl().template.SerializeToString())
"""

SERIALISE_V2 = """
import pathlib, sys, bench_v2
from flyte._internal.runtime.task_serde import translate_task_to_wire
from flyte.models import SerializationContext
context = SerializationContext(
    version="v1", project="p", domain="development", org="local", root_dir=pathlib.Path.cwd(), image_cache=None
)
sys.stdout.buffer.write(translate_task_to_wire(bench_v2.body, context).task_template.SerializeToString())
"""

FAN_OUT = """
import pathlib, sys, time, bench_v2, flyte
flyte.init(
    endpoint=sys.argv[1], insecure=True, org="local", project="flytesnacks", domain="development",
    root_dir=pathlib.Path.cwd(), image_builder="remote",
)
runner = flyte.with_runcontext(copy_style="loaded_modules")
runner.run(bench_v2.leaf, x=1).wait(quiet=True)
for n in map(int, sys.argv[2:]):
    run = runner.run(bench_v2.parent, n=n)
    began = time.perf_counter()
    run.wait(quiet=True)
    seconds = time.perf_counter() - began
    assert run.outputs()[0] == n * (n - 1) // 2
    print("FAN", n, seconds, flush=True)
"""


class Bench:
    """A directory with the tasks' code, and an object store served from it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.env = {
            **os.environ,
            "HOME": str(root),
            "DO_NOT_TRACK": "1",
            "FLYTE_DISABLE_TELEMETRY": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH", "")])),
        }
        (root / "bench_v1.py").write_text(V1)
        (root / "bench_v2.py").write_text(V2)

    def python(self, program: str, *args: str) -> bytes:
        """Run a program and return what it prints."""
        command = [sys.executable, "-c", textwrap.dedent(program), *args]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=self.env, cwd=self.root).stdout

    def timed(self, program: str, repeats: int) -> float:
        """Median seconds a fresh Python takes for a program."""
        return _median(lambda: self.python(program), repeats)


def _median(call: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


async def attempts(
    bench: Bench, running: instance.Instance, template: bytes, *, forkservers: bool, repeats: int
) -> float:
    """Median seconds an attempt takes over its own body."""
    store = ObjectStore(bench.root / "data" / "objects")
    executor = Executor(store, bench.root / "logs", ExecutorOptions(forkservers=forkservers, ephemeral=True))
    await executor.start(backend_env(running.endpoint, running.access, access.path_of(Path(running.data_dir))))
    over = []
    for number in range(repeats + 1):
        name = f"a{time.time_ns()}"
        literal = Literal(scalar=Scalar(primitive=Primitive(float_value=0.05)))
        store.write(store.uri("in", name, "inputs.pb"), _message(literal))
        job = AttemptJob(
            key=ActionKey("p", "development", "r", name), attempt=1, template=template,
            input_uri=store.uri("in", name), output_prefix=store.uri("out", name, "1"),
            run_output_base=store.uri("out"), run_start_time=datetime.now(timezone.utc),
            work_dir=bench.root / "work" / name, log_path=bench.root / "logs" / f"{name}.log",
        )  # fmt: skip
        began = time.perf_counter()
        outcome = await executor.run(job, lambda _: None)
        took = time.perf_counter() - began
        assert outcome.failure is None, outcome.failure
        outputs = Outputs.FromString(store.read(outcome.outputs_uri))
        if number:  # the first one starts the forkserver
            over.append(took - outputs.literals[0].value.scalar.primitive.float_value)
    await executor.stop()
    return statistics.median(over)


def _message(literal: Literal) -> bytes:
    data: bytes = Inputs(literals=[NamedLiteral(name="seconds", value=literal)]).SerializeToString()
    return data


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--children", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory))
        os.environ.update({name: bench.env[name] for name in ("HOME", "PYTHONPATH", "DO_NOT_TRACK")})
        started = instance.start(bench.root / "data", 0)
        try:
            rows, work = measure(bench, started, options.children, options.repeats)
        finally:
            instance.stop(bench.root / "data")
    plain = rows["plain process: python -c pass"]
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, Python {sys.version.split()[0]}\n")
    print(f"{'what':58} {'seconds':>8} {'x plain':>8}")
    for name, seconds in rows.items():
        extra = f"   {options.children / seconds:.1f} actions/s" if name.startswith("fan-out") else ""
        print(f"{name:58} {seconds:8.3f} {seconds / plain:8.1f}{extra}")
    each = work / options.children
    print(
        f"\nCPU per action of the fan-out, server and forkservers included: {each:.3f} s; "
        f"{os.cpu_count()} idle cores could do {(os.cpu_count() or 1) / each:.1f} actions/s"
    )
    if options.json:
        options.json.write_text(json.dumps({"load": load, "rows": rows, "cpu_per_action": each}, indent=1))


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, its children and what they have reaped; Linux only, 0 elsewhere."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(stat.parent.name) == pid or int(fields[1]) == pid:
                total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def measure(bench: Bench, running: instance.Instance, children: int, repeats: int) -> tuple[dict[str, float], float]:
    """All rows, in seconds; and the CPU seconds the backend and its tasks spent on the fan-out."""
    rows = {"plain process: python -c pass": bench.timed("pass", repeats)}
    rows["process that imports flytekit's entry point"] = bench.timed("import flytekit.bin.entrypoint", 5)
    rows["process that imports flyte's runtime"] = bench.timed("import flyte._bin.runtime", 5)
    for sdk, serialise in (("v1 pyflyte-execute", SERIALISE_V1), ("v2 a0", SERIALISE_V2)):
        template = bench.python(serialise)
        for forkservers, word in ((True, "forkserver"), (False, "spawn")):
            count = repeats if forkservers else max(3, repeats // 3)
            seconds = asyncio.run(attempts(bench, running, template, forkservers=forkservers, repeats=count))
            rows[f"{sdk} attempt over its body, {word}"] = seconds
    before = cpu_of(running.pid)
    output = bench.python(FAN_OUT, opened.path(running), str(children)).decode()
    work = cpu_of(running.pid) - before
    for line in output.splitlines():
        if line.startswith("FAN "):
            _, n, seconds = line.split()
            rows[f"fan-out of {n} children by one parent, forkserver"] = float(seconds)
    return rows, work


if __name__ == "__main__":
    main()
