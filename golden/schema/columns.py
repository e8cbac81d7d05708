"""FlyteSchema: made of frames, opened as pandas."""

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

Small = Annotated[DataFrame, OrderedDict(a=int)]


@env.task
def made(n: int) -> DataFrame:
    frame = pd.DataFrame({"a": range(n), "b": range(n)})
    return DataFrame.wrap_df(frame)


@env.task
def frames(n: int) -> pd.DataFrame:
    return pd.DataFrame({"a": range(n), "b": range(n)})


@env.task
def columns(data: DataFrame) -> str:
    frame = data.open(pd.DataFrame).all_sync()
    return ",".join(frame.columns)


@env.task
def total(data: DataFrame) -> int:
    return int(data.open(pd.DataFrame).all_sync()["a"].sum())


@env.task
def written(n: int) -> DataFrame:
    from flytekit.types.schema import FlyteSchema

    # TODO(flyte-bridge FB492): FlyteSchema() is filled later: build the frame first and wrap it
    schema = FlyteSchema()
    # TODO(flyte-bridge FB492): write() has no counterpart: return DataFrame.wrap_df(frame)
    schema.open(pd.DataFrame).write(pd.DataFrame({"a": range(n)}))
    return schema


@driver.task
async def wf(n: int = 3) -> Tuple[str, int, str]:
    async def run_total() -> tuple[str, int]:
        data = await made.aio(n=n)
        columns_result, total_result = await asyncio.gather(
            columns.aio(data=data), total.aio(data=data)
        )
        return columns_result, total_result

    async def run_columns() -> str:
        return await columns.aio(data=DataFrame.wrap_df(await frames.aio(n=n)))

    (columns_result, total_result), columns_result_2 = await asyncio.gather(
        run_total(), run_columns()
    )
    return columns_result, total_result, columns_result_2


if __name__ == "__main__":
    flyte.init()
    a, b, c = flyte.run(wf).outputs()
    print(a, b, c)
