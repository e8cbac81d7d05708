from typing import List

from flytekit import Resources, dynamic, task, workflow


@task
def square(n: int) -> int:
    return n * n


@dynamic(requests=Resources(mem="2Gi"), cache=True, cache_version="1", retries=1)
def squares(n: int) -> List[int]:
    found = []
    for i in range(n):
        found.append(square(n=i))
    return found


@task
def total(numbers: List[int]) -> int:
    return sum(numbers)


@workflow
def wf(n: int = 4) -> int:
    return total(numbers=squares(n=n))
