"""Lists where tuples are declared, values nobody declared."""

import asyncio
from statistics import quantiles
from typing import List, NamedTuple, Tuple

import flyte

env = flyte.TaskEnvironment(name="tuples")
driver = flyte.TaskEnvironment(
    name="tuples-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

Halves = NamedTuple("Halves", first=int, second=int)


@env.task
def thirds(rows: int) -> Tuple[float, float]:
    return tuple(quantiles(range(rows), n=3))


@env.task
def bounds(values: List[int]) -> Tuple[int, int]:
    return min(values), max(values)


@env.task
def doubled(values: List[int]) -> Tuple[int, int]:
    both = [value * 2 for value in values]
    return tuple(both)


def pair(n: int) -> Tuple[int, int]:
    return n, n


@env.task
def from_helper(n: int) -> Tuple[int, int]:
    return pair(n)


@env.task
def halves(n: int) -> Halves:
    return Halves(n // 2, n - n // 2)


@env.task
def undeclared(n: int):
    print("undeclared", n)
    return


@env.task
def undeclared_call(n: int):
    if n > 1:
        print("big", n)
        return
    print("small", n)


@driver.task
async def wf(rows: int = 8) -> Tuple[float, float, int, int, int]:
    (third, two_thirds), (low, high), (two, four), (first, second), _, _, _ = await asyncio.gather(
        thirds.aio(rows=rows),
        bounds.aio(values=[3, 1, 2]),
        doubled.aio(values=[1, 2]),
        halves.aio(n=5),
        from_helper.aio(n=1),
        undeclared.aio(n=1),
        undeclared_call.aio(n=2),
    )
    return third, two_thirds, low, four, second


if __name__ == "__main__":
    flyte.init()
    a, b, c, d, e = flyte.run(wf).outputs()
    print(a, b, c, d, e)
