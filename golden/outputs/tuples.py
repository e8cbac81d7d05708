"""Lists where tuples are declared, values nobody declared."""

import asyncio
from typing import List, NamedTuple, Tuple

import pandas as pd
import flyte
from sklearn.model_selection import train_test_split

env = flyte.TaskEnvironment(name="tuples")
driver = flyte.TaskEnvironment(
    name="tuples-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

Halves = NamedTuple("Halves", first=int, second=int)


@env.task
def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"row": range(rows)})


@env.task
def split(data: pd.DataFrame) -> Tuple[pd.DataFrame, pd.DataFrame]:
    return tuple(train_test_split(data, test_size=0.25, random_state=0))


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


@env.task
def size(data: pd.DataFrame) -> int:
    return len(data)


@driver.task
async def wf(rows: int = 8) -> Tuple[int, int, int, int, int]:
    async def run_size() -> tuple[int, int]:
        train, test = await split.aio(data=await frame.aio(rows=rows))
        size_result, size_result_2 = await asyncio.gather(
            size.aio(data=train), size.aio(data=test)
        )
        return size_result, size_result_2

    (size_result, size_result_2), (low, high), (two, four), (first, second), _, _, _ = await asyncio.gather(
        run_size(),
        bounds.aio(values=[3, 1, 2]),
        doubled.aio(values=[1, 2]),
        halves.aio(n=5),
        from_helper.aio(n=1),
        undeclared.aio(n=1),
        undeclared_call.aio(n=2),
    )
    return size_result, size_result_2, low, four, second


if __name__ == "__main__":
    flyte.init()
    a, b, c, d, e = flyte.run(wf).outputs()
    print(a, b, c, d, e)
