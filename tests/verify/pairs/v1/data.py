"""Everything that travels between tasks, one workflow per kind."""

import datetime as dt
import gzip
import os
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import pandas as pd
from flytekit import StructuredDataset, current_context, kwtypes, task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile
from pydantic import BaseModel
from typing_extensions import Annotated

Columns = kwtypes(name=str, size=int, weight=float)


class Level(Enum):
    LOW = 1
    HIGH = 2


@dataclass
class Inner:
    level: Level = Level.LOW
    when: Optional[dt.datetime] = None


@dataclass
class Outer:
    inner: Inner
    items: List[Inner] = field(default_factory=list)
    table: Dict[str, float] = field(default_factory=dict)


class Settings(BaseModel):
    depth: int
    names: List[str] = ["a"]


def folder() -> str:
    return current_context().working_directory


@task
def shout(words: FlyteFile) -> FlyteFile:
    path = os.path.join(folder(), "loud.txt")
    with open(words) as source, open(path, "w") as target:
        target.write(source.read().upper())
    return FlyteFile(path)


@task
def pack(words: FlyteFile["csv"]) -> FlyteFile:
    path = os.path.join(folder(), "packed.gz")
    with open(words, "rb") as source, gzip.open(path, "wb") as target:
        target.write(source.read())
    return FlyteFile(path)


@task
def spread(source: FlyteDirectory) -> FlyteDirectory:
    place = os.path.join(folder(), "spread")
    os.makedirs(os.path.join(place, "deep"), exist_ok=True)
    for name in os.listdir(source):
        with open(os.path.join(source, name)) as lines, open(os.path.join(place, "deep", name), "w") as target:
            target.write(lines.read()[::-1])
    return FlyteDirectory(place)


@task
def select(rows: Annotated[StructuredDataset, Columns]) -> pd.DataFrame:
    return rows.open(pd.DataFrame).all().sort_values("weight", ascending=False)


@task
def wrap(rows: pd.DataFrame) -> StructuredDataset:
    return StructuredDataset(dataframe=rows.assign(day=pd.Timestamp("2024-01-02"), flag=[None, True, False]))


@task
def nest(outer: Outer, settings: Settings) -> Tuple[Outer, Settings]:
    return Outer(inner=Inner(level=Level.HIGH, when=dt.datetime(2024, 1, 2)), items=[outer.inner] * 2), settings


@task
def clocks(at: dt.datetime, span: dt.timedelta) -> Tuple[dt.datetime, dt.timedelta]:
    return at + span, span * 2


@task
def numbers(values: np.ndarray) -> np.ndarray:
    return values / 3


@task
def either(value: Union[int, str], maybe: Optional[List[int]] = None) -> Union[int, str]:
    return value


@task
def mapping(counts: Dict[str, int]) -> Dict[str, List[int]]:
    return {name: [count, count + 1] for name, count in reversed(list(counts.items()))}


@task
def anything(n: int) -> Any:
    return {"n": n, "range": [1.5, n], "level": Level.HIGH}


Half = NamedTuple("Half", half=float)


@task
def halve(n: int) -> Half:
    return Half(n / 2)


@task
def nothing(n: int) -> None:
    print(f"nothing of {n}")


@workflow
def files(words: FlyteFile, table: FlyteFile["csv"]) -> Tuple[FlyteFile, FlyteFile]:
    return shout(words=words), pack(words=table)


@workflow
def directories(source: FlyteDirectory) -> FlyteDirectory:
    return spread(source=source)


@workflow
def frames(rows: Annotated[StructuredDataset, Columns]) -> Tuple[pd.DataFrame, StructuredDataset]:
    selected = select(rows=rows)
    return selected, wrap(rows=selected)


@workflow
def records(outer: Outer, settings: Settings) -> Tuple[Outer, Settings]:
    return nest(outer=outer, settings=settings)


@workflow
def times(at: dt.datetime, span: dt.timedelta) -> Tuple[dt.datetime, dt.timedelta]:
    return clocks(at=at, span=span)


@workflow
def arrays(values: np.ndarray) -> np.ndarray:
    return numbers(values=values)


@workflow
def unions(value: Union[int, str]) -> Union[int, str]:
    return either(value=value)


@workflow
def mappings(counts: Dict[str, int] = {"b": 1, "a": 2}) -> Dict[str, List[int]]:
    return mapping(counts=counts)


@workflow
def anythings(n: int = 3) -> Any:
    return anything(n=n)


@workflow
def halves(n: int = 3) -> Half:
    return halve(n=n)


@workflow
def silent(n: int = 3) -> None:
    nothing(n=n)


@workflow
def shapeless(rows: pd.DataFrame) -> pd.DataFrame:
    return select(rows=rows)


if __name__ == "__main__":
    start = dt.datetime(2024, 2, 29, 12, tzinfo=dt.timezone.utc)
    print(times(at=start, span=dt.timedelta(hours=36)))
    print(records(outer=Outer(inner=Inner(level=Level.LOW), table={"x": 1.5}), settings=Settings(depth=2)))
