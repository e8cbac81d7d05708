"""Frames of one task where another declares a structured dataset, and the other way round."""

from typing import Annotated, Tuple

import pandas as pd
from flytekit import StructuredDataset, kwtypes, task, workflow


@task
def people() -> pd.DataFrame:
    return pd.DataFrame({"name": ["Ann", "Bob"], "age": [31, 42], "height": [1.6, 1.9]})


@task
def older(df: Annotated[StructuredDataset, kwtypes(age=int)], years: int) -> Annotated[StructuredDataset, kwtypes(age=int)]:
    """The usual way: the parameter is opened into itself."""
    df = df.open(pd.DataFrame).all()
    df = pd.concat([df, pd.DataFrame([[30]], columns=["age"])]) + years
    return StructuredDataset(dataframe=df)


@task
def width(data: StructuredDataset) -> int:
    """Kept as a reference: what it is opened as is decided in the body."""
    kind = pd.DataFrame
    return data.open(kind).all().shape[1]


@task
def ages(data: pd.DataFrame) -> str:
    return ",".join(str(age) for age in data["age"])


@workflow
def inner(data: StructuredDataset) -> int:
    return width(data=data)


@workflow
def passed() -> Tuple[StructuredDataset, int]:
    df = people()
    return df, width(data=people())


@workflow
def wf(years: int = 1) -> Tuple[int, int, int, str, int]:
    df = people()
    data, first = passed()
    return width(data=df), first, inner(data=df), ages(data=older(df=df, years=years)), width(data=data)


if __name__ == "__main__":
    a, b, c, d, e = wf()
    print(a, b, c, d, e)
