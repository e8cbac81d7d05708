"""A script without a main block, with an async part and a class of tests."""

import asyncio
import unittest
from typing import Tuple

import flyte

env = flyte.TaskEnvironment(name="script")
driver = flyte.TaskEnvironment(
    name="script-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def add(a: int, b: int = 1) -> int:
    return a + b


@driver.task
async def wf(a: int = 1) -> Tuple[int, int]:
    add_result, add_result_2 = await asyncio.gather(add.aio(a=a), add.aio(a=a, b=2))
    return add_result, add_result_2


class TestWorkflow(unittest.TestCase):
    def test_values(self) -> None:
        flyte.init()
        self.assertEqual(flyte.run(wf, a=1).outputs(), (2, 3))
        self.assertEqual(add(a=1), 2)


async def later() -> int:
    flyte.init()
    return (await (await flyte.run.aio(wf, a=10)).outputs.aio())[1]


flyte.init()


first, second = flyte.run(wf).outputs()
print(first, second)

total = sum(flyte.run(wf, a=4).outputs())
print(total)

if total:
    print(flyte.run(wf, a=5).outputs().o1)

unittest.TestCase().assertEqual(flyte.run(wf, a=1).outputs(), (2, 3))
