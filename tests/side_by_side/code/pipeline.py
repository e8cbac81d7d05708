"""A pipeline of Flyte 1 for what works on two sides: values of each kind, a schedule, a failure, and noise."""

import os
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
from flytekit import CronSchedule, FixedRate, LaunchPlan, current_context, dynamic, map_task, task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


@dataclass
class Report:
    total: int
    file: FlyteFile


def _work() -> Path:
    return Path(current_context().working_directory)


@task
def rows(n: int, bias: int) -> pd.DataFrame:
    return pd.DataFrame({"id": list(range(n)), "v": [float(i + bias) for i in range(n)]})


@task
def text(n: int) -> FlyteFile:
    path = _work() / "numbers.txt"
    path.write_text("\n".join(map(str, range(n))))
    return FlyteFile(str(path))


@task
def folder(n: int) -> FlyteDirectory:
    path = _work() / "folder"
    path.mkdir(exist_ok=True)
    for i in range(n):
        (path / f"{i}.txt").write_text(str(i))
    return FlyteDirectory(str(path))


@task
def inc(x: int) -> int:
    return x + 1


@task
def report(xs: list[int], file: FlyteFile) -> Report:
    return Report(total=sum(xs), file=file)


@dynamic
def spread(n: int) -> list[int]:
    return [inc(x=i) for i in range(n)]


@task
def where() -> int:
    """Another answer on each side: what a bad conversion would be."""
    return int(os.environ.get("SIDE_BY_SIDE", "0"))


@task
def dice() -> float:
    return random.random()


@workflow
def whole(n: int = 3, bias: int = 0) -> tuple[pd.DataFrame, FlyteFile, FlyteDirectory, Report, list[int]]:
    file = text(n=n)
    return rows(n=n, bias=bias), file, folder(n=n), report(xs=map_task(inc)(x=[1, 2, 3]), file=file), spread(n=n)


@workflow
def sided() -> int:
    return inc(x=where())


sided_plan = LaunchPlan.get_or_create(sided, "sided_plan")


@task
def length(file: FlyteFile) -> int:
    return len(Path(file.download()).read_text())


@workflow
def starting(file: FlyteFile) -> tuple[int, int]:
    """Starts an execution of its own."""
    return length(file=file), sided_plan()


@workflow
def noisy() -> tuple[float, int]:
    return dice(), inc(x=1)


@task
def refuse(x: int) -> int:
    if x:
        raise ValueError(f"no {x}")
    return x


@workflow
def failing(x: int = 1) -> int:
    return refuse(x=x)


@task
def day(at: datetime, plus: int) -> int:
    if at.day == 13:
        raise ValueError("not on a 13th")
    return at.day + plus


@workflow
def daily(at: datetime, plus: int = 0) -> int:
    return day(at=at, plus=plus)


@workflow
def steady(plus: int = 1) -> int:
    return inc(x=plus)


every_day = LaunchPlan.get_or_create(
    daily,
    "every_day",
    schedule=CronSchedule(schedule="0 6 * * *", kickoff_time_input_arg="at"),
    fixed_inputs={"plus": 1},
)
every_hour = LaunchPlan.get_or_create(steady, "every_hour", schedule=FixedRate(duration=timedelta(hours=1)))
by_hand = LaunchPlan.get_or_create(steady, "by_hand")
every_minute = LaunchPlan.get_or_create(
    daily,
    "every_minute",
    schedule=CronSchedule(schedule="* * * * *", kickoff_time_input_arg="at"),
    default_inputs={"plus": 2},
)
steadily = LaunchPlan.get_or_create(steady, "steadily", schedule=FixedRate(duration=timedelta(minutes=1)))
