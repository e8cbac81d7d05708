import asyncio
from typing import List, NamedTuple
import flyte

env = flyte.TaskEnvironment(name="built")
driver = flyte.TaskEnvironment(
    name="built-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def t1(a: str) -> str:
    return a + " world"


@env.task
def t3(a: List[str]) -> str:
    return ",".join(a)


@env.task
def t4() -> None:
    pass


# Built piece by piece.
WfOutputs = NamedTuple("WfOutputs", one=str, two=List[str])


@driver.task
async def wf(in1: str, in2: str) -> WfOutputs:
    async def run_t4() -> str:
        n3 = await t3.aio(a=[in1, in2])
        await t4.aio()
        return n3

    n1, n3 = await asyncio.gather(t1.aio(a=in1), run_t4())
    return n1, [n1, n3]


@driver.task
async def single(word: str) -> str:
    node = await t1.aio(a=word)
    return node


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(single, word="hello").outputs()[0])
