"""A context manager that calls tasks becomes an async generator, which its decorator does not take: said there."""

import contextlib

import flyte

env = flyte.TaskEnvironment(name="context_manager")
driver = flyte.TaskEnvironment(
    name="context_manager-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def add(x: int) -> int:
    return x + 1


# TODO(flyte-bridge FB222): `stage` is an async generator now, which `contextlib.contextmanager` may not be given: contextlib has `asynccontextmanager`, for `async with`
@contextlib.contextmanager
async def stage(x):
    y = await add.aio(x=x)
    yield y
    await add.aio(x=y)


@driver.task
async def wf(n: int = 3) -> int:
    with [one_item async for one_item in stage(n)] as y:
        z = await add.aio(x=y)
    return z
