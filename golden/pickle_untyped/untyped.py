from typing import Any
import flyte

env = flyte.TaskEnvironment(name="untyped")
driver = flyte.TaskEnvironment(
    name="untyped-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def t(a: Any) -> Any:
    return a + 1


@env.task
def times(a: Any, b: int) -> Any:
    return a * b


@driver.task
async def wf(a: Any = 1) -> Any:
    return await times.aio(a=await t.aio(a=a), b=2)
