"""One Flyte 1 workflow per verdict."""

import random
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from flytekit import approve, task, workflow


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


@task
def stats(xs: list[int]) -> Stats:
    return Stats(sum(xs), sum(xs) / len(xs))


@task
def paint(color: Color, point: Point | None = None) -> dict[str, str]:
    return {"color": color.value, "label": point.label if point else "none"}


@task
def raise_on(n: int) -> int:
    if n > 2:
        raise ValueError(f"{n} is too large")
    return n


@task
def noise(n: int) -> tuple[float, int]:
    return random.random(), n


@task
def double(n: int) -> int:
    return n * 2


@workflow
def same(xs: list[int] = [1, 2, 3], color: Color = Color.BLUE) -> tuple[int, float, dict[str, str]]:
    s = stats(xs=xs)
    return s.total, s.mean, paint(color=color, point=Point(x=1, label="q"))


@workflow
def different(n: int = 4) -> int:
    return double(n=n)


@workflow
def both_raise(n: int = 5) -> int:
    return raise_on(n=n)


@workflow
def generated_raise(n: int) -> int:
    return raise_on(n=n)


@workflow
def only_v1_raises(n: int = 5) -> int:
    return raise_on(n=n)


@workflow
def v2_broken(n: int = 1) -> int:
    return double(n=n)


@workflow
def v2_calls_wrongly(n: int = 1) -> int:
    return double(n=n)


@workflow
def v1_broken(n: int = 1) -> str:
    return double(n=n)


@workflow
def noisy(n: int = 1) -> tuple[float, int]:
    return noise(n=n)


@task
def noise_alone() -> float:
    return random.random()


@workflow
def all_noise() -> float:
    return noise_alone()


@workflow
def gate(n: int = 1) -> int:
    from datetime import timedelta

    doubled = double(n=n)
    return approve(doubled, "look-at-it", timeout=timedelta(hours=1))


@workflow
def made_up(n: int, flag: bool, point: Point) -> dict[str, str]:
    return paint(color=Color.RED, point=point)


@workflow
def from_main(n: int, color: Color) -> dict[str, str]:
    return paint(color=color)


@workflow
def half_as_long(n: int) -> int:
    return double(n=n)


@workflow
def slower(n: int = 1) -> tuple[int, int]:
    first = half_as_long(n=n)
    second = double(n=n)
    third = double(n=second)
    fourth = double(n=n)
    fourth >> third
    return first, third


if __name__ == "__main__":
    print(from_main(n=-4, color=Color.BLUE))
