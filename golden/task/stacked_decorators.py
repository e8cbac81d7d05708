from functools import wraps

import flyte

env = flyte.TaskEnvironment(name="stacked_decorators")
driver = flyte.TaskEnvironment(
    name="stacked_decorators-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


def loud(fn):
    @wraps(fn)
    def inner(*args, **kwargs):
        print(f"calling {fn.__name__}")
        return fn(*args, **kwargs)

    return inner


@env.task(retries=1)
@loud
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 3) -> int:
    return await double.aio(x=x)
