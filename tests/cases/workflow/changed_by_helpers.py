"""Helpers that change what a driver hands to them: lists they append to, objects that keep what they are told."""

from typing import List

from flytekit import dynamic, task, workflow


@task
def f(x: int) -> int:
    return x + 1


@task
def total(xs: List[int]) -> int:
    return sum(xs)


def fill(outs, y):
    outs.append(y)


def add(outs, y):
    outs.append(f(x=y))


class Box:
    def __init__(self):
        self.outs = []

    def add(self, y):
        self.outs.append(f(x=y))


@workflow
def plain(x: int = 1) -> int:
    outs = []
    fill(outs, 3)
    return total(xs=outs)


@workflow
def plain2(x: int = 1) -> int:
    outs = []
    a = f(x=x)
    fill(outs, a)
    fill(outs, 3)
    b = f(x=a)
    return total(xs=outs)


@workflow
def helper(x: int = 1) -> int:
    outs = []
    add(outs, x)
    add(outs, 5)
    return total(xs=outs)


@workflow
def boxed(x: int = 1) -> int:
    box = Box()
    box.add(x)
    box.add(7)
    return total(xs=box.outs)


@dynamic
def dyn(n: int) -> int:
    outs = []
    for i in range(n):
        add(outs, i)
    return total(xs=outs)


@workflow
def wdyn(n: int = 3) -> int:
    return dyn(n=n)


@workflow
def closure(x: int = 1) -> int:
    outs = []

    def put(y):
        outs.append(f(x=y))

    put(x)
    put(2)
    return total(xs=outs)


@workflow
def keyed(x: int = 1) -> int:
    outs = {}

    def put(k, y):
        outs[k] = f(x=y)

    put("a", x)
    put("b", 2)
    return total(xs=[outs["a"], outs["b"]])


@workflow
def counted(x: int = 1) -> int:
    last = f(x=x)

    def advance(y: int) -> int:
        nonlocal last
        last = f(x=y)
        return f(x=last)

    first = advance(last)
    advance(first)
    return f(x=last)


LAST = None


def remember(y: int) -> None:
    global LAST
    LAST = f(x=y)


@workflow
def remembered(x: int = 1) -> int:
    remember(x)
    return f(x=LAST)
