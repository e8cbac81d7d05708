"""`env` and `driver` are names of the user's already."""

import os

import flyte

task_env = flyte.TaskEnvironment(name="taken_names-task")
workflow_driver = flyte.TaskEnvironment(
    name="taken_names-workflow-driver",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[task_env],
)


@task_env.task
def level() -> str:
    env = dict(os.environ)
    return env.get("NO_SUCH_LEVEL", "info")


def driver() -> None:
    print("not a workflow")


@workflow_driver.task
async def wf() -> str:
    return await level.aio()
