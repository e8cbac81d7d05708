"""What a main block does with the values of workflows and tasks."""

import asyncio
from typing import NamedTuple, Tuple

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="values")
driver = flyte.TaskEnvironment(
    name="values-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

Stats = NamedTuple("Stats", total=int, mean=float)
Single = NamedTuple("Single", total=int)


@env.task
def add(a: int, b: int = 1) -> int:
    return a + b


@env.task
def run_name() -> bool:
    return flyte.ctx().action.run_name is not None


@env.task
def write(text: str) -> File:
    with open("/tmp/flyte_bridge_case_main.txt", "w") as out:
        out.write(text)
    return File.from_local_sync("/tmp/flyte_bridge_case_main.txt")


forty = flyte.Trigger("forty", inputs={"a": 40}, auto_activate=False)


@driver.task(triggers=forty)
async def single(a: int = 1) -> int:
    return await add.aio(a=a)


@driver.task
async def pair(a: int) -> Tuple[int, int]:
    add_result, add_result_2 = await asyncio.gather(add.aio(a=a), add.aio(a=a, b=a))
    return add_result, add_result_2


@driver.task
async def named(a: int) -> Stats:
    total = await add.aio(a=a)
    return Stats(total=total, mean=0.5)


@driver.task
async def boxed(a: int) -> Single:
    return Single(total=await add.aio(a=a))


@driver.task
async def silent(a: int = 1) -> None:
    await add.aio(a=a)


@driver.task
async def file(text: str = "text") -> File:
    return await write.aio(text=text)


def check() -> None:
    """Called by tests."""
    flyte.init()
    assert flyte.run(single, a=3).outputs()[0] == 4
    assert flyte.run(pair, a=2).outputs() == (3, 4)


if __name__ == "__main__":
    flyte.init()
    # the simplest first
    print(flyte.run(single).outputs()[0], flyte.run(single, a=5).outputs()[0])
    print(add(a=2), flyte.run(run_name).outputs()[0])
    left, right = flyte.run(pair, a=4).outputs()
    print(left, right)
    stats = Stats(*flyte.run(named, a=6).outputs())
    print(stats.total, stats.mean, Stats(*flyte.run(named, a=7).outputs()))
    print(Single(*flyte.run(boxed, a=8).outputs()).total)
    flyte.run(silent)
    print(flyte.run(silent, a=2).outputs()[0])
    for a in range(2):
        result = flyte.run(
            single,
            a=a,
        ).outputs()[0]
        print(f"{a}: {result}")
    print(open(flyte.run(file, text="from a file").outputs()[0].download_sync()).read())
    print(open(flyte.run(write, text="from a task").outputs()[0].download_sync()).read())
    print(flyte.run(single, a=40).outputs()[0])
    check()
