"""Structured datasets: opened, annotated with columns, wrapped on the way out."""

from typing import Annotated, Tuple

import pandas as pd
from flytekit import StructuredDataset, kwtypes, task, workflow

Few = kwtypes(name=str, age=int)


@task
def people() -> pd.DataFrame:
    return pd.DataFrame({"name": ["Ann", "Bob"], "age": [31, 42], "height": [1.6, 1.9]})


@task
def wrapped(frame: pd.DataFrame) -> StructuredDataset:
    return StructuredDataset(dataframe=frame)


@task
def raw(frame: pd.DataFrame) -> StructuredDataset:
    head = StructuredDataset(dataframe=frame.head(1))
    return head


@task
def columns(data: Annotated[StructuredDataset, Few]) -> str:
    frame = data.open(pd.DataFrame).all()
    return ",".join(frame.columns)


@task
def inline(data: Annotated[StructuredDataset, kwtypes(age=int)]) -> int:
    return int(data.open(pd.DataFrame).all()["age"].sum())


@task
def everything(data: StructuredDataset) -> int:
    return data.open(pd.DataFrame).all().shape[1]


@task
def subset(data: Annotated[pd.DataFrame, kwtypes(height=float)]) -> str:
    return ",".join(data.columns)


@workflow
def wf() -> Tuple[str, int, int, int, str]:
    frame = people()
    data = wrapped(frame=frame)
    return (
        columns(data=frame),
        inline(data=data),
        everything(data=data),
        everything(data=raw(frame=frame)),
        subset(data=frame),
    )


if __name__ == "__main__":
    a, b, c, d, e = wf()
    print(a, b, c, d, e)
