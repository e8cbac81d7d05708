"""Frames of one task where another declares a structured dataset, and the other way round."""

import asyncio
from collections import OrderedDict
from typing import Annotated, Tuple

import flyte
import pandas as pd
from flyte.io import DataFrame

env = flyte.TaskEnvironment(name="frames_between")
driver = flyte.TaskEnvironment(
    name="frames_between-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def people() -> pd.DataFrame:
    return pd.DataFrame({"name": ["Ann", "Bob"], "age": [31, 42], "height": [1.6, 1.9]})


@env.task
def older(df: Annotated[pd.DataFrame, OrderedDict(age=int)], years: int) -> Annotated[DataFrame, OrderedDict(age=int)]:
    """The usual way: the parameter is opened into itself."""
    df = pd.concat([df, pd.DataFrame([[30]], columns=["age"])]) + years
    return DataFrame.wrap_df(df)


@env.task
def width(data: DataFrame) -> int:
    """Kept as a reference: what it is opened as is decided in the body."""
    kind = pd.DataFrame
    return data.open(kind).all_sync().shape[1]


@env.task
def ages(data: pd.DataFrame) -> str:
    return ",".join(str(age) for age in data["age"])


@driver.task
async def inner(data: DataFrame) -> int:
    return await width.aio(data=data)


@driver.task
async def passed() -> Tuple[DataFrame, int]:
    async def run_width() -> int:
        return await width.aio(data=DataFrame.wrap_df(await people.aio()))

    df, width_result = await asyncio.gather(people.aio(), run_width())
    return DataFrame.wrap_df(df), width_result


@driver.task
async def wf(years: int = 1) -> Tuple[int, int, int, str, int]:
    async def run_ages() -> tuple[int, int, str]:
        df = await people.aio()

        async def run_ages_2() -> str:
            return await ages.aio(data=await older.aio(df=df, years=years))

        width_result, inner_result, ages_result = await asyncio.gather(
            width.aio(data=DataFrame.wrap_df(df)), inner(data=DataFrame.wrap_df(df)), run_ages_2()
        )
        return width_result, inner_result, ages_result

    async def run_width() -> tuple[int, int]:
        data, first = await passed()
        width_result_2 = await width.aio(data=data)
        return first, width_result_2

    (width_result, inner_result, ages_result), (first, width_result_2) = await asyncio.gather(run_ages(), run_width())
    return width_result, first, inner_result, ages_result, width_result_2


if __name__ == "__main__":
    flyte.init()
    a, b, c, d, e = flyte.run(wf).outputs()
    print(a, b, c, d, e)
