"""Comments in and around loops that become one gather."""

from typing import List

from flytekit import dynamic, task


@task
def double(x: int) -> int:
    return x * 2


@task
def join(xs: List[int]) -> int:
    return sum(xs)


@dynamic
def one_call(n: int) -> int:
    # what comes out
    results = []  # in the order of the loop
    # one call per number
    for i in range(n):  # all at once
        # double it
        results.append(double(x=i))  # never waits
        # nothing else happens
    # and add up
    return join(xs=results)  # the sum


@dynamic
def two_calls(n: int) -> int:
    results = []
    for i in range(n):  # all at once
        # once
        first = double(x=i)  # the first
        # and once more
        second = double(x=first)  # the second
        # keep it
        results.append(second)  # kept
        # nothing else happens
    return join(xs=results)


@dynamic
def carried(n: int) -> int:
    total = 0
    # adds up in turn
    for i in range(n):  # header
        # beforehand
        twice = double(x=i)  # as tasks
        # in turn
        total = join(xs=[total, twice])  # one by one
        # end of the loop
    return total


@dynamic
def beside(n: int) -> int:
    a = double(x=n)  # on the left
    b = double(x=n + 1)  # on the right
    return join(xs=[a, b])


if __name__ == "__main__":
    print(one_call(n=3), two_calls(n=3), carried(n=3), beside(n=3))
