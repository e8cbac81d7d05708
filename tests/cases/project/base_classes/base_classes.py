"""A method calls what a class below or beside its own defines."""

import abc
from typing import List

from flytekit import task, workflow


@task
def inc(x: int) -> int:
    return x + 1


@task
def total(xs: List[int]) -> int:
    return sum(xs)


class Pipe(abc.ABC):
    @abc.abstractmethod
    def one(self, v): ...

    def both(self, v):
        return self.one(self.one(v))


class Loud:
    def many(self, n):
        return [self.one(each) for each in range(n)]


class Inc(Loud, Pipe):
    def one(self, v):
        return inc(x=v)


class Twice(Inc):
    def one(self, v):
        return inc(x=super().one(v))

    def many(self, n):
        out = []
        for each in range(n):
            out.append(super().one(each))
        return out


@workflow
def wf(x: int = 1) -> int:
    return total(xs=[Inc().both(x), Twice().both(x), *Inc().many(2), *Twice().many(3)])
