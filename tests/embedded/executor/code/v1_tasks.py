"""Flyte 1 tasks as users write them; run unmodified by the embedded executor."""

import os
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pandas as pd
from flytekit import ContainerTask, Deck, Resources, current_context, dynamic, kwtypes, map_task, task, workflow
from flytekit.exceptions.user import FlyteRecoverableException
from flytekit.extras.tasks.shell import OutputLocation, ShellTask
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


@dataclass
class Point:
    x: int
    y: float


@task(retries=2)
def add(a: int, b: int = 40) -> int:
    return a + b


@task
def every_type(
    s: str, f: float, b: bool, xs: list[int], m: dict[str, float], p: Point, at: datetime, long: timedelta
) -> tuple[str, Point, list[int], datetime]:
    return f"{s} {f} {b} {m} {long}", Point(p.x + 1, p.y * 2), xs[::-1], at + long


@task(enable_deck=True)
def decked(n: int) -> int:
    Deck("numbers", f"<b>{n}</b>")
    return n


@task
def file_out(text: str) -> FlyteFile:
    path = Path(current_context().working_directory) / "note.txt"
    path.write_text(text)
    return FlyteFile(str(path))


@task
def file_in(file: FlyteFile) -> str:
    with open(file) as opened:
        return opened.read().upper()


@task
def directory() -> FlyteDirectory:
    path = Path(current_context().working_directory) / "many"
    path.mkdir()
    for n in range(3):
        (path / f"{n}.txt").write_text(str(n))
    return FlyteDirectory(str(path))


@task
def frame(n: int) -> pd.DataFrame:
    return pd.DataFrame({"n": range(n)})


@task
def total(df: pd.DataFrame) -> int:
    return int(df["n"].sum())


@task
def fails(message: str) -> int:
    if message:
        raise ValueError(message)
    return 0


@task(retries=3)
def fails_for_now(message: str) -> int:
    if message:
        raise FlyteRecoverableException(message)
    return 0


@task
def dies(code: int) -> int:
    print("last words", flush=True)
    os._exit(code)
    return 0


@task
def nothing() -> None:
    print("nothing to give")


@task
def sleeps(seconds: float, mark: str) -> int:
    with open(mark, "a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return 1


@task
def environment(names: list[str]) -> dict[str, str]:
    return {name: os.environ.get(name, "-") for name in names}


@task
def where() -> dict[str, str]:
    context = current_context()
    return {
        "cwd": os.getcwd(),
        "execution": context.execution_id.name,
        "task": context.task_id.name,
        "raw": context.raw_output_prefix,
    }


@task
def checkpoint(n: int) -> int:
    point = current_context().checkpoint
    before = point.read()
    seen = int(before.decode()) if before else 0
    point.write(str(seen + n).encode())
    return seen


@dynamic
def fan(n: int) -> list[int]:
    return [add(a=i) for i in range(n)]


@task(requests=Resources(cpu="1", mem="64Mi"))
def heavy(mark: str) -> int:
    with open(mark, "a") as file:
        file.write(f"begin {time.time()}\n")
    time.sleep(0.5)
    with open(mark, "a") as file:
        file.write(f"end {time.time()}\n")
    return 1


@task(requests=Resources(gpu="1"))
def on_gpu() -> int:
    return 1


@task
def leaves_a_child_behind(mark: str) -> int:
    if os.fork() == 0:
        time.sleep(60)
        Path(mark).write_text("survived")
        os._exit(0)
    return 1


@workflow
def mapped(xs: list[int]) -> list[int]:
    return map_task(partial(add, b=1))(a=xs)


@task
def modules() -> dict[str, str]:
    import random
    import sys
    import tempfile
    import threading

    return {
        "flyte": str("flyte" in sys.modules),
        "flytekit": str("flytekit" in sys.modules),
        "ours": str(any(name.startswith("flyte_bridge") for name in sys.modules)),
        "prefix": sys.prefix,
        "main": str(sys.modules["__main__"].__file__),
        "argv0": sys.argv[0],
        "parent": str(os.getppid()),
        "main thread": str(threading.current_thread() is threading.main_thread()),
        "path0": sys.path[0],
        "random": str(random.random()),
        "tmp": tempfile.gettempdir(),
        "working": str(current_context().working_directory),
    }


raw = ContainerTask(
    name="raw",
    image="example.org/any",
    input_data_dir="/var/inputs",
    output_data_dir="/var/outputs",
    inputs=kwtypes(
        n=int, ratio=float, yes=bool, text=str, at=datetime, long=timedelta, file=FlyteFile, folder=FlyteDirectory,
        many=list[int], point=dict,
    ),
    outputs=kwtypes(
        n=int, ratio=float, yes=bool, text=str, at=datetime, long=timedelta, file=FlyteFile, folder=FlyteDirectory,
        said=str, count=int,
    ),
    command=["/bin/sh", "-ec"],
    arguments=[
        """
        cd /var/outputs
        for name in n ratio yes text at long file; do cp /var/inputs/$name /var/outputs/; done
        mkdir folder
        cp -r /var/inputs/folder/. folder
        cp /var/inputs/inputs.json folder
        printf '%s' "$0 $1" > said.txt
        ls /var/inputs/many | wc -l > count
        """,
        "{{.inputs.text}}",
        "/var/inputs/n",
    ],
)  # fmt: skip

raw_that_fails = ContainerTask(
    name="raw_that_fails",
    image="example.org/any",
    output_data_dir="/var/outputs",
    inputs=kwtypes(script=str),
    outputs=kwtypes(n=int),
    command=["/bin/sh", "-c", "{{.inputs.script}}"],
)

shell = ShellTask(
    name="shell",
    script="""
    set -e
    echo "{inputs.greeting}, $(cat {inputs.name})" > {outputs.said}
    """,
    inputs=kwtypes(greeting=str, name=FlyteFile),
    output_locs=[OutputLocation(var="said", var_type=FlyteFile, location="said.txt")],
)
