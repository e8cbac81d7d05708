"""Structured datasets: opened, annotated with columns, wrapped on the way out."""

import asyncio
from collections import OrderedDict
from typing import Annotated, Tuple

import pandas as pd
import flyte
from flyte.io import DataFrame
from flytekit import task, workflow

Few = OrderedDict(name=str, age=int)


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def people() -> pd.DataFrame:
    return pd.DataFrame({"name": ["Ann", "Bob"], "age": [31, 42], "height": [1.6, 1.9]})


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def wrapped(frame: pd.DataFrame) -> DataFrame:
    return DataFrame.wrap_df(frame)


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def raw(frame: pd.DataFrame) -> DataFrame:
    head = DataFrame.wrap_df(frame.head(1))
    return head


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def columns(data: Annotated[pd.DataFrame, Few]) -> str:
    frame = data
    return ",".join(frame.columns)


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def inline(data: Annotated[pd.DataFrame, OrderedDict(age=int)]) -> int:
    return int(data["age"].sum())


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def everything(data: pd.DataFrame) -> int:
    return data.shape[1]


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def subset(data: Annotated[pd.DataFrame, OrderedDict(height=float)]) -> str:
    return ",".join(data.columns)


# TODO(flyte-bridge FB103): flytekit.workflow is still used here
@workflow
async def wf() -> Tuple[str, int, int, int, str]:
    frame = await people.aio()

    async def run_everything():
        data = await wrapped.aio(frame=frame)
        inline_result, everything_result = await asyncio.gather(inline.aio(data=data), everything.aio(data=data))
        return inline_result, everything_result

    async def run_everything_2():
        return await everything.aio(data=await raw.aio(frame=frame))

    (inline_result, everything_result), columns_result, everything_result_2, subset_result = await asyncio.gather(
        run_everything(), columns.aio(data=frame), run_everything_2(), subset.aio(data=frame)
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
