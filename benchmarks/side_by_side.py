"""How long two executions of many nodes, large files, and the plan of a year take.

`python benchmarks/side_by_side.py [nodes] [megabytes]` plans 365 dates; compares two files of so many megabytes, beside reading
and hashing both; then starts an embedded backend in a temporary directory, runs one workflow of so many nodes twice (cached
tasks: what is measured is the comparison) and compares the two; last, a backfill of 16 dates of ten seconds, 4 at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from flyteidl.admin import schedule_pb2
from flyteidl.core import identifier_pb2, literals_pb2

from flyte_bridge import config
from flyte_bridge.backend.storage import Storage
from flyte_bridge.embedded_client import instance
from flyte_bridge.side_by_side.backfill import Backfill, BackfillOptions, utilisation
from flyte_bridge.side_by_side.backfill_plan import Period, plan_of
from flyte_bridge.side_by_side.backfill_state import BackfillState
from flyte_bridge.side_by_side.comparing import CompareOptions, SideExecution, compare_pair
from flyte_bridge.side_by_side.launch_plans import LaunchPlanName
from flyte_bridge.side_by_side.sides import LOCAL, Sides
from flyte_bridge.verify.compare import compare
from flyte_bridge.verify.contents import Contents
from flyte_bridge.verify.literals import plain
from flyte_bridge_translators import fire_times

SOURCE = """
import time
from datetime import timedelta

from flytekit import FixedRate, LaunchPlan, task, workflow

@task(cache=True, cache_version="1")
def inc(x: int) -> int:
    return x + 1

@workflow
def wide() -> int:
    for _ in range({nodes}):
        last = inc(x=1)
    return last

@task
def nap() -> int:
    time.sleep(10)
    return 1

@workflow
def napping() -> int:
    return nap()

hourly = LaunchPlan.get_or_create(napping, "hourly", schedule=FixedRate(duration=timedelta(hours=1)))
"""


def nodes(count: int, place: Path) -> None:
    (place / "wide.py").write_text(SOURCE.format(nodes=count))
    os.environ["PYTHONPATH"] = str(place)
    sys.path.insert(0, str(place))
    data_dir = place / "data"
    instance.start(data_dir)
    try:
        names = _run(data_dir)
        asyncio.run(_compared(data_dir, names))
        asyncio.run(_backfilled(data_dir, place))
    finally:
        instance.stop(data_dir)


def _run(data_dir: Path) -> list[str]:
    import wide  # type: ignore[import-not-found]
    from flytekit.configuration import Image, ImageConfig, SerializationSettings

    from flyte_bridge.remote.flyte_remote import FlyteRemote

    settings = config.load(data_dir=data_dir)
    remote = FlyteRemote(settings=settings, default_project=settings.project, default_domain=settings.domain)
    image = ImageConfig(Image("default", "local/flytekit", "1"))
    serialization = SerializationSettings(image, project=settings.project, domain=settings.domain, version="1")
    remote.register_workflow(wide.napping, serialization, version="1")
    remote.register_launch_plan(wide.hourly, "1", serialization_settings=serialization)
    workflow = remote.register_workflow(wide.wide, serialization, version="1")
    for name in ("one", "two"):
        remote.wait(remote.execute(workflow, {}, execution_name=name), poll_interval=timedelta(seconds=1))
    return ["one", "two"]


async def _compared(data_dir: Path, names: list[str]) -> None:
    settings = config.load(data_dir=data_dir)
    sides = Sides(settings)
    plane = await sides.of(LOCAL)
    left, right = [
        SideExecution(
            plane,
            identifier_pb2.WorkflowExecutionIdentifier(project=settings.project, domain=settings.domain, name=name),
        )
        for name in names
    ]
    began = time.perf_counter()
    compared = await compare_pair(left, right, CompareOptions())
    took = time.perf_counter() - began
    print(f"compare, {len(compared.nodes)} nodes, both sides on one backend: {took:.1f} s, {compared.verdict.value}")
    await sides.close()


async def _backfilled(data_dir: Path, place: Path) -> None:
    settings = config.load(data_dir=data_dir)
    sides = Sides(settings)
    plane = await sides.of(LOCAL)
    start = datetime(2024, 1, 1, tzinfo=timezone.utc)
    wanted = LaunchPlanName(settings.project, settings.domain, "hourly")
    plan = await plan_of(wanted, Period(start, start + timedelta(hours=16)), {LOCAL: plane})
    state = BackfillState(place / "backfill.json", "1")
    await Backfill(plan, BackfillOptions(parallel=4), state, lambda *_: None).run()
    print(f"backfill, 16 dates of 10 s, 4 at once: {utilisation(state, LOCAL, 4):.0%} of the places used")
    await sides.close()


def files(megabytes: int, place: Path) -> None:
    sides = [place / "left", place / "right"]
    block = os.urandom(1 << 20)
    for path in sides:
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(block)

    def literal(path: Path) -> literals_pb2.Literal:
        return literals_pb2.Literal(scalar=literals_pb2.Scalar(blob=literals_pb2.Blob(uri=str(path))))

    began = time.perf_counter()
    for path in sides:
        with path.open("rb") as file:
            hashlib.file_digest(file, "sha256")
    reading = time.perf_counter() - began
    began = time.perf_counter()
    store = Storage({})
    pair = asyncio.run(Contents(store, store).pair(*(plain(literal(path)) for path in sides)))
    assert compare(*pair) == []
    took = time.perf_counter() - began
    print(f"compare, a file of {megabytes} MB: {took:.1f} s; reading and hashing it twice: {reading:.1f} s")


def year() -> None:
    schedule = schedule_pb2.Schedule(
        cron_schedule=schedule_pb2.CronSchedule(schedule="CRON_TZ=Europe/Berlin 0 6 * * *")
    )
    plan = identifier_pb2.Identifier(project="p", domain="d", name="n", version="v")
    start = datetime(2023, 1, 1, tzinfo=timezone.utc)
    began = time.perf_counter()
    times = list(fire_times.between(fire_times.read(schedule), start, start + timedelta(days=365)))
    names = {fire_times.execution_name(plan, at) for at in times}
    print(f"plan, {len(names)} dates: {time.perf_counter() - began:.2f} s")


def main() -> None:
    count, megabytes = [int(word) for word in sys.argv[1:3]] + [1000, 1024][len(sys.argv) - 1 :]
    with tempfile.TemporaryDirectory() as place:
        year()
        files(megabytes, Path(place))
        nodes(count, Path(place))


if __name__ == "__main__":
    main()
