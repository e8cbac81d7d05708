"""A task called inside a task runs in the same process, as a plain function."""

import flyte

env = flyte.TaskEnvironment(name="task_in_task")
driver = flyte.TaskEnvironment(
    name="task_in_task-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def add_one(x: int) -> int:
    return x + 1


@env.task
def add_two(x: int) -> int:
    return add_one.forward(x=add_one.forward(x=x))


@driver.task
async def nested(x: int = 1) -> int:
    return await add_two.aio(x=x)
