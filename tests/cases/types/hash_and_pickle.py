"""What stands beside types: hashes, batch sizes, pickles, columns."""

from collections import OrderedDict
from typing import Annotated, List

import pandas as pd
from flytekit import BatchSize, HashMethod, kwtypes, task, workflow
from flytekit.types.pickle import FlytePickle


class Thing:
    def __init__(self, n: int) -> None:
        self.n = n


def hash_frame(frame: pd.DataFrame) -> str:
    return str(pd.util.hash_pandas_object(frame).sum())


@task
def hashed(n: int) -> Annotated[pd.DataFrame, HashMethod(hash_frame)]:
    return pd.DataFrame({"n": range(n)})


@task
def batched(n: int) -> Annotated[List[FlytePickle[Thing]], BatchSize(2)]:
    return [Thing(i) for i in range(n)]


@task
def total(frame: Annotated[pd.DataFrame, kwtypes(n=int)], things: Annotated[List[FlytePickle[Thing]], BatchSize(2)]) -> int:
    columns = OrderedDict(n=int)
    return int(frame["n"].sum()) + sum(thing.n for thing in things) + len(columns)


@workflow
def wf(n: int = 3) -> int:
    return total(frame=hashed(n=n), things=batched(n=n))


if __name__ == "__main__":
    print(wf())
