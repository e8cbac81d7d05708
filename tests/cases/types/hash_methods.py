import pandas as pd
from flytekit import HashMethod, kwtypes, task, workflow
from flytekit.types.structured import StructuredDataset
from typing_extensions import Annotated

Frame = Annotated[StructuredDataset, kwtypes(a=int)]


def size_of(frame: pd.DataFrame) -> str:
    return str(len(frame))


@task
def by_keyword() -> Annotated[pd.DataFrame, HashMethod(function=lambda frame: str(len(frame)))]:
    return pd.DataFrame({"a": [1, 2]})


@task
def by_position() -> Annotated[pd.DataFrame, HashMethod(size_of)]:
    return pd.DataFrame({"a": [1, 2]})


@task
def generic() -> Annotated[pd.DataFrame, HashMethod[pd.DataFrame](function=size_of)]:
    return pd.DataFrame({"a": [1, 2]})


@task(cache=True, cache_version="1")
def count(frame: pd.DataFrame) -> int:
    return len(frame)


@task
def of_an_alias(data: Frame) -> int:
    return len(data.open(pd.DataFrame).all())


@workflow
def wf() -> int:
    return count(frame=by_keyword())


@workflow
def positions() -> int:
    return count(frame=by_position())


@workflow
def aliased() -> int:
    return of_an_alias(data=generic())
