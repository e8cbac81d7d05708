"""Attributes and indexes of dataclass, list and dict results stay what they are."""

import asyncio
from dataclasses import dataclass
from typing import Dict, List, Tuple

import flyte

env = flyte.TaskEnvironment(name="promise_parts")
driver = flyte.TaskEnvironment(
    name="promise_parts-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@dataclass
class Settings:
    depth: int
    names: List[str]


@env.task
def settings(depth: int) -> Settings:
    return Settings(depth=depth, names=["a", "b"])


@env.task
def table() -> Dict[str, List[int]]:
    return {"rows": [1, 2, 3]}


@env.task
def pair() -> Tuple[int, str]:
    return 7, "seven"


@env.task
def show(depth: int, name: str, row: int) -> str:
    return f"{depth} {name} {row}"


@driver.task
async def parts() -> str:
    chosen, rows = await asyncio.gather(settings.aio(depth=3), table.aio())
    return await show.aio(
        depth=chosen.depth, name=chosen.names[1], row=rows["rows"][2]
    )


@driver.task
async def unpacked() -> str:
    number, word = await pair.aio()
    return await show.aio(depth=number, name=word, row=0)
