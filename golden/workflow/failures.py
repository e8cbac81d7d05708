"""What happens when a node fails: handlers and policies."""

import asyncio
from typing import Optional, Tuple

import flyte

env = flyte.TaskEnvironment(name="failures")
driver = flyte.TaskEnvironment(
    name="failures-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def create(name: str) -> str:
    print("create", name)
    return name


@env.task
def break_it(name: str) -> str:
    if name == "bad":
        raise ValueError("broken")
    return name


@env.task
def finish(name: str) -> str:
    print("finish", name)
    return name + "!"


@env.task
def clean_up(name: str, err: Optional[str] = None) -> None:
    print("clean up", name)


@driver.task
async def handled(name: str = "good") -> str:
    """Cleans up when something fails."""
    try:
        created = await create.aio(name=name)
        broken = await break_it.aio(name=created)
        return await finish.aio(name=broken)
    except Exception as error:
        # on_failure: the run still fails
        await clean_up.aio(name=name, err=str(error))
        raise


@driver.task
async def failing(name: str = "bad") -> Tuple[str, str]:
    try:
        async def run_finish() -> str:
            second = await break_it.aio(name=name)
            return await finish.aio(name=second)

        results = await asyncio.gather(create.aio(name=name), run_finish(), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        first, finish_result = results
        return first, finish_result
    except Exception as error:
        # on_failure: the run still fails
        await clean_up.aio(name=name, err=str(error))
        raise


@driver.task
async def patient(name: str = "good") -> Tuple[str, str]:
    async def run_finish() -> str:
        return await finish.aio(name=await create.aio(name=name))

    results = await asyncio.gather(run_finish(), break_it.aio(name=name), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    finish_result, break_it_result = results
    return finish_result, break_it_result


@driver.task
async def impatient(name: str = "good") -> None:
    await asyncio.gather(create.aio(name=name), finish.aio(name=name))
