"""Loops in dynamics: independent, carried, nested, conditional."""

from typing import Dict, List, Tuple

from flytekit import dynamic, task, workflow


@task
def fetch(day: int) -> int:
    return day * 10


@task
def clean(raw: int) -> int:
    return raw + 1


@task
def merge(left: int, right: int) -> int:
    return left + right


@task
def total(values: List[int]) -> int:
    return sum(values)


@dynamic
def independent(days: int = 3) -> int:
    cleaned = []
    for day in range(days):
        raw = fetch(day=day)
        cleaned.append(clean(raw=raw))
    return total(values=cleaned)


@dynamic
def carried(days: int = 3) -> int:
    merged = 0
    for day in range(days):
        raw = fetch(day=day)
        merged = merge(left=merged, right=raw)
    return merged


@dynamic
def by_name(days: int = 2) -> Dict[str, int]:
    results = {}
    for day in range(days):
        results[f"day {day}"] = clean(raw=fetch(day=day))
    return results


@dynamic
def both(days: int = 2) -> Tuple[List[int], List[int]]:
    raws, cleans = [], []
    for day in range(days):
        raw = fetch(day=day)
        raws.append(raw)
        cleans.append(clean(raw=raw))
    return raws, cleans


@dynamic(retries=1)
def some(days: int = 4) -> List[int]:
    results = []
    for day in range(days):
        if day % 2 == 0:
            results.append(fetch(day=day))
        else:
            results.append(clean(raw=day))
    return results


@dynamic
def nested(days: int = 2) -> List[int]:
    results = []
    for day in range(days):
        for hour in range(2):
            results.append(merge(left=fetch(day=day), right=hour))
    return results


@dynamic
def early(days: int = 0) -> List[int]:
    if days == 0:
        return []
    return [fetch(day=day) for day in range(days)]


@dynamic
def first(days: int = 5) -> int:
    found = 0
    for day in range(days):
        if day == 2:
            found = fetch(day=day)
            break
    return found


@dynamic
def while_loop(limit: int = 3) -> List[int]:
    results = []
    day = 0
    while day < limit:
        results.append(fetch(day=day))
        day += 1
    return results


@dynamic
def recursive(n: int = 3) -> int:
    if n == 0:
        return fetch(day=1)
    return merge(left=recursive(n=n - 1), right=n)


@dynamic
def tree(values: List[int] = [1, 2, 3, 4, 5]) -> int:
    """Merge in pairs, level by level."""
    level = values
    while len(level) > 1:
        pairs = []
        for left, right in zip(level[::2], level[1::2]):
            pairs.append(merge(left=left, right=right))
        if len(level) % 2:
            pairs.append(level[-1])
        level = pairs
    return level[0]


@workflow
def outer(days: int = 3) -> Tuple[int, int]:
    return independent(days=days), carried(days=days)
