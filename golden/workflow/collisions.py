"""Names the conversion would like are taken already."""

import asyncio

import flyte

env = flyte.TaskEnvironment(name="collisions")
driver = flyte.TaskEnvironment(
    name="collisions-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def run_load(x: int) -> int:
    return x


@env.task
def load(x: int) -> int:
    return x + 1


@env.task
def clean(x: int) -> int:
    return x + 2


@env.task
def join(load: int, clean: int, clean_result: int) -> int:
    return load + clean + clean_result


run_clean = 5


@driver.task
async def taken(x: int = 1, a_task: int = 2) -> int:
    async def run_clean_result() -> int:
        return await clean.aio(x=await run_load.aio(x=x))

    async def run_load_2() -> int:
        return await load.aio(x=await clean.aio(x=a_task))

    async def run_clean_2() -> int:
        return await clean.aio(x=await load.aio(x=x))

    clean_result, load_result, clean_result_2 = await asyncio.gather(run_clean_result(), run_load_2(), run_clean_2())
    return await join.aio(load=load_result, clean=clean_result_2, clean_result=clean_result)
