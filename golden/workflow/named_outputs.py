"""Fields of a NamedTuple result, unpacked where they are used."""

import asyncio
from typing import List, NamedTuple, Tuple

import flyte

env = flyte.TaskEnvironment(name="named_outputs")
driver = flyte.TaskEnvironment(
    name="named_outputs-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


class Split(NamedTuple):
    train: List[int]
    test: List[int]
    rest: List[int]


Score = NamedTuple("Score", value=float)
Report = NamedTuple("Report", [("text", str), ("score", float)])


@env.task
def split(n: int) -> Split:
    rows = list(range(n))
    return Split(train=rows[: n // 2], test=rows[n // 2 :], rest=[])


@env.task
def mean(rows: List[int]) -> Score:
    return Score(value=sum(rows) / len(rows))


@env.task
def describe(score: float, size: int) -> Report:
    return Report(text=f"{size}: {score:.1f}", score=score)


@env.task
def size(rows: List[int]) -> int:
    return len(rows)


@driver.task
async def fields(n: int = 8) -> Tuple[str, float]:
    sets_train, sets_test, _ = await split.aio(n=n)
    score, size_result = await asyncio.gather(
        mean.aio(rows=sets_train), size.aio(rows=sets_test)
    )
    report_text, report_score = await describe.aio(score=score, size=size_result)
    return report_text, report_score


@driver.task
async def by_index(n: int = 8) -> Tuple[List[int], List[int]]:
    sets_train, sets_test, _ = await split.aio(n=n)
    return sets_test, sets_train


@driver.task
async def built(n: int = 8) -> Report:
    train, test, _ = await split.aio(n=n)
    return Report(text="built", score=await mean.aio(rows=train))


@driver.task
async def passed_on(n: int = 6) -> Report:
    return await describe.aio(score=1.5, size=n)


@driver.task
async def one_field(n: int = 6) -> Score:
    rows, _, _ = await split.aio(n=n)
    return await mean.aio(rows=rows)


@driver.task
async def outer(n: int = 6) -> Tuple[float, str]:
    inner, (report_text, _) = await asyncio.gather(one_field(n=n), passed_on(n=n))
    return inner, report_text
