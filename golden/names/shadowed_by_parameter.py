from typing import List

import flyte

env = flyte.TaskEnvironment(name="shadowed_by_parameter")
driver = flyte.TaskEnvironment(
    name="shadowed_by_parameter-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


def describe(task: str, workflow: str) -> str:
    # these are plain words here
    return f"{task} of {workflow}"


@env.task
def label(names: List[str]) -> List[str]:
    return [describe(task=task, workflow="wf") for task in names]


@driver.task
async def wf(names: List[str] = ["a", "b"]) -> List[str]:
    return await label.aio(names=names)
