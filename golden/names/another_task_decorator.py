"""A `task` that is not Flyte's, in a file that uses Flyte too."""

import functools

import flyte

env = flyte.TaskEnvironment(name="another_task_decorator")
driver = flyte.TaskEnvironment(
    name="another_task_decorator-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


def task(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@task
def plain(x: int) -> int:
    return x + 1


@env.task
def double(x: int) -> int:
    return 2 * plain(x)


@driver.task
async def wf(x: int = 4) -> int:
    return await double.aio(x=x)
