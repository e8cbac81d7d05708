"""Loops in dynamics: independent, carried, nested, conditional."""

import asyncio
from typing import Dict, List, Tuple

import flyte

env = flyte.TaskEnvironment(name="loops")
driver = flyte.TaskEnvironment(
    name="loops-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def fetch(day: int) -> int:
    return day * 10


@env.task
def clean(raw: int) -> int:
    return raw + 1


@env.task
def merge(left: int, right: int) -> int:
    return left + right


@env.task
def total(values: List[int]) -> int:
    return sum(values)


@driver.task
async def independent(days: int = 3) -> int:
    async def run_clean(day):
        raw = await fetch.aio(day=day)
        return await clean.aio(raw=raw)

    cleaned = await asyncio.gather(*(run_clean(day) for day in range(days)))
    return await total.aio(values=cleaned)


@driver.task
async def carried(days: int = 3) -> int:
    merged = 0
    fetch_tasks = [asyncio.create_task(fetch.aio(day=day)) for day in range(days)]
    for day, fetch_task in zip(range(days), fetch_tasks):
        raw = await fetch_task
        merged = await merge.aio(left=merged, right=raw)
    return merged


@driver.task
async def by_name(days: int = 2) -> Dict[str, int]:
    results = {}

    async def run_clean(day):
        return await clean.aio(raw=await fetch.aio(day=day))

    for day, clean_result in zip(range(days), await asyncio.gather(*(run_clean(day) for day in range(days)))):
        results[f"day {day}"] = clean_result
    return results


@driver.task
async def both(days: int = 2) -> Tuple[List[int], List[int]]:
    raws, cleans = [], []

    async def run_clean(day):
        raw = await fetch.aio(day=day)
        clean_result = await clean.aio(raw=raw)
        return raw, clean_result

    for raw, clean_result in await asyncio.gather(*(run_clean(day) for day in range(days))):
        raws.append(raw)
        cleans.append(clean_result)
    return raws, cleans


@driver.task(retries=1)
async def some(days: int = 4) -> List[int]:
    results = []
    for day in range(days):
        if day % 2 == 0:
            results.append(fetch.aio(day=day))
        else:
            results.append(clean.aio(raw=day))
    results = await asyncio.gather(*results)
    return results


@driver.task
async def nested(days: int = 2) -> List[int]:
    results = []

    async def run_merge_2(day):
        async def run_merge(hour):
            return await merge.aio(left=await fetch.aio(day=day), right=hour)

        return await asyncio.gather(*(run_merge(hour) for hour in range(2)))

    for merge_results in await asyncio.gather(*(run_merge_2(day) for day in range(days))):
        results.extend(merge_results)
    return results


@driver.task
async def early(days: int = 0) -> List[int]:
    if days == 0:
        return []
    return await asyncio.gather(*(fetch.aio(day=day) for day in range(days)))


@driver.task
async def first(days: int = 5) -> int:
    found = 0
    for day in range(days):
        if day == 2:
            found = await fetch.aio(day=day)
            break
    return found


@driver.task
async def while_loop(limit: int = 3) -> List[int]:
    results = []
    day = 0
    while day < limit:
        results.append(fetch.aio(day=day))
        day += 1
    results = await asyncio.gather(*results)
    return results


@driver.task
async def recursive(n: int = 3) -> int:
    if n == 0:
        return await fetch.aio(day=1)
    return await merge.aio(left=await recursive(n=n - 1), right=n)


@driver.task
async def tree(values: List[int] = [1, 2, 3, 4, 5]) -> int:
    """Merge in pairs, level by level."""
    level = values
    while len(level) > 1:
        pairs = await asyncio.gather(
            *(merge.aio(left=left, right=right) for left, right in zip(level[::2], level[1::2]))
        )
        if len(level) % 2:
            pairs.append(level[-1])
        level = pairs
    return level[0]


@driver.task
async def outer(days: int = 3) -> Tuple[int, int]:
    independent_result, carried_result = await asyncio.gather(
        independent(days=days), carried(days=days)
    )
    return independent_result, carried_result
