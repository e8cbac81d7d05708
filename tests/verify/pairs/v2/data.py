"""What a conversion of v1/data.py could be."""

import asyncio
import collections
import datetime as dt
import gzip
import os
import tempfile
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import flyte
import numpy as np
import pandas as pd
from flyte.io import DataFrame, Dir, File
from pydantic import BaseModel
from typing_extensions import Annotated

env = flyte.TaskEnvironment(name="data")

Columns = collections.OrderedDict(name=str, size=int, weight=float)


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
    return tempfile.mkdtemp()


@env.task
def shout(words: File) -> File:
    path = os.path.join(folder(), "loud.txt")
    with words.open_sync("rb") as source, open(path, "w") as target:
        target.write(source.read().decode().upper())
    return File.from_local_sync(path)


@env.task
def pack(words: File) -> File:
    path = os.path.join(folder(), "packed.gz")
    with words.open_sync("rb") as source, gzip.GzipFile(path, "wb", mtime=1) as target:
        target.write(source.read())
    return File.from_local_sync(path)


@env.task
def spread(source: Dir) -> Dir:
    place = os.path.join(folder(), "spread")
    os.makedirs(os.path.join(place, "deep"), exist_ok=True)
    local = source.download_sync()
    for name in os.listdir(local):
        with open(os.path.join(local, name)) as lines, open(os.path.join(place, "deep", name), "w") as target:
            target.write(lines.read()[::-1])
    return Dir.from_local_sync(place)


@env.task
def select(rows: Annotated[DataFrame, Columns]) -> pd.DataFrame:
    return rows.open(pd.DataFrame).all_sync().sort_values("weight", ascending=False)


@env.task
def wrap(rows: pd.DataFrame) -> DataFrame:
    return DataFrame.wrap_df(rows.assign(day=pd.Timestamp("2024-01-02"), flag=[None, True, False]))


@env.task
def nest(outer: Outer, settings: Settings) -> Tuple[Outer, Settings]:
    return Outer(inner=Inner(level=Level.HIGH, when=dt.datetime(2024, 1, 2)), items=[outer.inner] * 2), settings


@env.task
def clocks(at: dt.datetime, span: dt.timedelta) -> Tuple[dt.datetime, dt.timedelta]:
    return at + span, span * 2


@env.task
def numbers(values: np.ndarray) -> np.ndarray:
    return values / 3


@env.task
def either(value: Union[int, str], maybe: Optional[List[int]] = None) -> Union[int, str]:
    return value


@env.task
def mapping(counts: Dict[str, int]) -> Dict[str, List[int]]:
    return {name: [count, count + 1] for name, count in reversed(list(counts.items()))}


@env.task
def anything(n: int) -> Any:
    return {"n": n, "range": [1.5, n], "level": Level.HIGH}


Half = NamedTuple("Half", half=float)


@env.task
def halve(n: int) -> Half:
    return Half(n / 2)


@env.task
def nothing(n: int) -> None:
    print(f"nothing of {n}")


@env.task
async def files(words: File, table: File) -> Tuple[File, File]:
    loud, packed = await asyncio.gather(shout.aio(words=words), pack.aio(words=table))
    return loud, packed


@env.task
async def directories(source: Dir) -> Dir:
    return await spread.aio(source=source)


@env.task
async def frames(rows: Annotated[DataFrame, Columns]) -> Tuple[pd.DataFrame, DataFrame]:
    selected = await select.aio(rows=rows)
    return selected, await wrap.aio(rows=selected)


@env.task
async def records(outer: Outer, settings: Settings) -> Tuple[Outer, Settings]:
    return await nest.aio(outer=outer, settings=settings)


@env.task
async def times(at: dt.datetime, span: dt.timedelta) -> Tuple[dt.datetime, dt.timedelta]:
    return await clocks.aio(at=at, span=span)


@env.task
async def arrays(values: np.ndarray) -> np.ndarray:
    return await numbers.aio(values=values)


@env.task
async def unions(value: Union[int, str]) -> Union[int, str]:
    return await either.aio(value=value)


@env.task
async def mappings(counts: Dict[str, int] = {"b": 1, "a": 2}) -> Dict[str, List[int]]:
    return await mapping.aio(counts=counts)


@env.task
async def anythings(n: int = 3) -> Any:
    return await anything.aio(n=n)


@env.task
async def halves(n: int = 3) -> Half:
    return Half(await halve.aio(n=n))


@env.task
async def silent(n: int = 3) -> None:
    await nothing.aio(n=n)


@env.task
async def shapeless(rows: pd.DataFrame) -> pd.DataFrame:
    return await select.aio(rows=DataFrame.wrap_df(rows))
