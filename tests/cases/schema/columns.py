"""FlyteSchema: made of frames, opened as pandas."""

from typing import Tuple

import pandas as pd
from flytekit import kwtypes, task, workflow
from flytekit.types.schema import FlyteSchema

Small = FlyteSchema[kwtypes(a=int)]


@task
def made(n: int) -> FlyteSchema:
    frame = pd.DataFrame({"a": range(n), "b": range(n)})
    return frame


@task
def frames(n: int) -> pd.DataFrame:
    return pd.DataFrame({"a": range(n), "b": range(n)})


@task
def columns(data: FlyteSchema) -> str:
    frame = data.open().all()
    return ",".join(frame.columns)


@task
def total(data: FlyteSchema) -> int:
    return int(data.open(pd.DataFrame).all()["a"].sum())


@task
def written(n: int) -> FlyteSchema:
    schema = FlyteSchema()
    schema.open().write(pd.DataFrame({"a": range(n)}))
    return schema


@workflow
def wf(n: int = 3) -> Tuple[str, int, str]:
    data = made(n=n)
    return columns(data=data), total(data=data), columns(data=frames(n=n))


if __name__ == "__main__":
    a, b, c = wf()
    print(a, b, c)
