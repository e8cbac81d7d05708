"""A script without a main block, with an async part and a class of tests."""

import unittest
from typing import Tuple

from flytekit import task, workflow


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@workflow
def wf(a: int = 1) -> Tuple[int, int]:
    return add(a=a), add(a=a, b=2)


class TestWorkflow(unittest.TestCase):
    def test_values(self) -> None:
        self.assertEqual(wf(a=1), (2, 3))
        self.assertEqual(add(a=1), 2)


async def later() -> int:
    return wf(a=10)[1]


first, second = wf()
print(first, second)

total = sum(wf(a=4))
print(total)

if total:
    print(wf(a=5).o1)

unittest.TestCase().assertEqual(wf(a=1), (2, 3))
