"""What a conversion of v1/outcomes.py could be, with the faults that the verdicts name."""

import asyncio
import random
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import flyte

env = flyte.TaskEnvironment(name="outcomes")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Point:
    x: int
    label: str = "p"


class Stats(NamedTuple):
    total: int
    mean: float


@env.task
def stats(xs: list[int]) -> Stats:
    return Stats(sum(xs), sum(xs) / len(xs))


@env.task
def paint(color: Color, point: Point | None = None) -> dict[str, str]:
    return {"label": point.label if point else "none", "color": color.value}


@env.task
def raise_on(n: int) -> int:
    if n > 2:
        raise ValueError(f"{n} is too large")
    return n


@env.task
def noise(n: int) -> tuple[float, int]:
    return random.random(), n


@env.task
def noise_alone() -> float:
    return random.random()


@env.task
def double(n: int) -> int:
    return n * 2


@env.task
async def same(xs: list[int] = [1, 2, 3], color: Color = Color.BLUE) -> tuple[int, float, dict[str, str]]:
    (total, mean), painted = await asyncio.gather(
        stats.aio(xs=xs), paint.aio(color=color, point=Point(x=1, label="q"))
    )
    return total, mean, painted


@env.task
async def different(n: int = 4) -> int:
    return await double.aio(n=n) + 1


@env.task
async def both_raise(n: int = 5) -> int:
    return await raise_on.aio(n=n)


@env.task
async def generated_raise(n: int) -> int:
    return await raise_on.aio(n=n)


@env.task
async def only_v1_raises(n: int = 5) -> int:
    return n


@env.task
async def v2_calls_wrongly(n: int = 1) -> int:
    return await double.aio(m=n)


@env.task
async def noisy(n: int = 1) -> tuple[float, int]:
    return await noise.aio(n=n)


@env.task
async def all_noise() -> float:
    return await noise_alone.aio()


@env.task
async def made_up(n: int, flag: bool, point: Point) -> dict[str, str]:
    return await paint.aio(color=Color.RED, point=point)


@env.task
async def from_main(n: int, color: Color) -> dict[str, str]:
    return await paint.aio(color=color)


@env.task
async def half_as_long(n: int) -> int:
    return await double.aio(n=n)


@env.task
async def slower(n: int = 1) -> tuple[int, int]:
    first, second = await asyncio.gather(half_as_long(n=n), double.aio(n=n))
    await double.aio(n=n)
    return first, await double.aio(n=second)
