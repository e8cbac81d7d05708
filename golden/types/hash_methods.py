from collections import OrderedDict
import flyte

import pandas as pd
from flyte.io import DataFrame, HashFunction
from typing_extensions import Annotated

env = flyte.TaskEnvironment(name="hash_methods")
driver = flyte.TaskEnvironment(
    name="hash_methods-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

Frame = Annotated[DataFrame, OrderedDict(a=int)]


def size_of(frame: pd.DataFrame) -> str:
    return str(len(frame))


@env.task
def by_keyword() -> Annotated[pd.DataFrame, HashFunction.from_fn(lambda frame: str(len(frame)))]:
    return pd.DataFrame({"a": [1, 2]})


@env.task
def by_position() -> Annotated[pd.DataFrame, HashFunction.from_fn(size_of)]:
    return pd.DataFrame({"a": [1, 2]})


@env.task
def generic() -> Annotated[pd.DataFrame, HashFunction.from_fn(size_of)]:
    return pd.DataFrame({"a": [1, 2]})


@env.task(cache=flyte.Cache("auto", version_override="1"))
def count(frame: pd.DataFrame) -> int:
    return len(frame)


@env.task
def of_an_alias(data: Frame) -> int:
    return len(data.open(pd.DataFrame).all_sync())


@driver.task
async def wf() -> int:
    return await count.aio(frame=await by_keyword.aio())


@driver.task
async def positions() -> int:
    return await count.aio(frame=await by_position.aio())


@driver.task
async def aliased() -> int:
    return await of_an_alias.aio(data=DataFrame.wrap_df(await generic.aio()))
