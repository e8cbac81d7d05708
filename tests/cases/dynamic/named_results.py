"""Fields of a NamedTuple result, where the variable may hold more than one call's."""

from typing import List, NamedTuple

from flytekit import dynamic, task
from flytekit.core.node_creation import create_node

Best = NamedTuple("Best", score=int, name=str)
Only = NamedTuple("Only", score=int)


@task
def pick(x: int) -> Best:
    return Best(x + 1, f"n{x}")


@task
def lone(x: int) -> Only:
    return Only(x * 3)


@task
def double(x: int) -> int:
    return x * 2


@task
def pair(x: int) -> tuple[int, int]:
    return x + 1, x + 2


@dynamic
def either(n: int) -> int:
    if n > 1:
        best = pick(x=n)
    else:
        best = pick(x=2)
    return double(x=best.score)


@dynamic
def carried(n: int) -> int:
    best = pick(x=n)
    for _ in range(n):
        best = pick(x=best.score)
    return best.score


@dynamic
def collected(n: int) -> List[int]:
    found = [pick(x=i) for i in range(n)]
    more = []
    for i in range(n):
        more.append(lone(x=i))
    return [double(x=one.score) for one in found] + [double(x=one.score) for one in more]


@dynamic
def by_another_name(n: int) -> str:
    best = pick(x=n)
    same = best
    return same.name


@dynamic
def straight(n: int) -> str:
    best = pick(x=n)
    best = pick(x=best.score)
    return best.name


@dynamic
def places(n: int) -> int:
    both = pair(x=n)
    for _ in range(n):
        both = pair(x=both[0])
    return both[1]


@dynamic
def nodes(n: int) -> int:
    if n > 1:
        node = create_node(double, x=n)
    else:
        node = create_node(double, x=2)
    return double(x=node.o0)


if __name__ == "__main__":
    print(either(n=3), carried(n=2), collected(n=2), by_another_name(n=1), straight(n=1), places(n=2), nodes(n=3))
