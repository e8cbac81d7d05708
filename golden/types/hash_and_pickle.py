"""What stands beside types: hashes, batch sizes, pickles, columns."""

import asyncio
from collections import OrderedDict
from typing import Annotated, List

import flyte
import pandas as pd
from flyte.io import HashFunction

env = flyte.TaskEnvironment(name="hash_and_pickle")
driver = flyte.TaskEnvironment(
    name="hash_and_pickle-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


class Thing:
    def __init__(self, n: int) -> None:
        self.n = n


def hash_frame(frame: pd.DataFrame) -> str:
    return str(pd.util.hash_pandas_object(frame).sum())


@env.task
def hashed(n: int) -> Annotated[pd.DataFrame, HashFunction.from_fn(hash_frame)]:
    return pd.DataFrame({"n": range(n)})


@env.task
def batched(n: int) -> List[Thing]:
    return [Thing(i) for i in range(n)]


@env.task
def total(frame: Annotated[pd.DataFrame, OrderedDict(n=int)], things: List[Thing]) -> int:
    columns = OrderedDict(n=int)
    return int(frame["n"].sum()) + sum(thing.n for thing in things) + len(columns)


@driver.task
async def wf(n: int = 3) -> int:
    frame, things = await asyncio.gather(hashed.aio(n=n), batched.aio(n=n))
    return await total.aio(frame=frame, things=things)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf).outputs()[0])
