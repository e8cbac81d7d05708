"""Structured datasets: opened, annotated with columns, wrapped on the way out."""

import asyncio
from collections import OrderedDict
from typing import Annotated, Tuple

import flyte
import pandas as pd
from flyte.io import DataFrame

env = flyte.TaskEnvironment(name="columns")
driver = flyte.TaskEnvironment(
    name="columns-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

Few = OrderedDict(name=str, age=int)


@env.task
def people() -> pd.DataFrame:
    return pd.DataFrame({"name": ["Ann", "Bob"], "age": [31, 42], "height": [1.6, 1.9]})


@env.task
def wrapped(frame: pd.DataFrame) -> DataFrame:
    return DataFrame.wrap_df(frame)


@env.task
def raw(frame: pd.DataFrame) -> DataFrame:
    head = DataFrame.wrap_df(frame.head(1))
    return head


@env.task
def columns(data: Annotated[pd.DataFrame, Few]) -> str:
    frame = data
    return ",".join(frame.columns)


@env.task
def inline(data: Annotated[pd.DataFrame, OrderedDict(age=int)]) -> int:
    return int(data["age"].sum())


@env.task
def everything(data: pd.DataFrame) -> int:
    return data.shape[1]


@env.task
def subset(data: Annotated[pd.DataFrame, OrderedDict(height=float)]) -> str:
    return ",".join(data.columns)


@driver.task
async def wf() -> Tuple[str, int, int, int, str]:
    frame = await people.aio()

    async def run_everything() -> tuple[int, int]:
        data = await wrapped.aio(frame=frame)
        inline_result, everything_result = await asyncio.gather(
            inline.aio(data=data), everything.aio(data=data)
        )
        return inline_result, everything_result

    async def run_everything_2() -> int:
        return await everything.aio(data=await raw.aio(frame=frame))

    (inline_result, everything_result), columns_result, everything_result_2, subset_result = await asyncio.gather(
        run_everything(),
        columns.aio(data=frame),
        run_everything_2(),
        subset.aio(data=frame),
    )
    return (
        columns_result,
        inline_result,
        everything_result,
        everything_result_2,
        subset_result,
    )


if __name__ == "__main__":
    flyte.init()
    a, b, c, d, e = flyte.run(wf).outputs()
    print(a, b, c, d, e)
