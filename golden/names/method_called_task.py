"""A method and an attribute called like Flyte's decorators."""

import flyte

env = flyte.TaskEnvironment(name="method_called_task")
driver = flyte.TaskEnvironment(
    name="method_called_task-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


class Board:
    def __init__(self) -> None:
        self.workflow = "wf"

    def task(self, name: str) -> str:
        return f"{self.workflow}: {name}"


@env.task
def note(name: str) -> str:
    return Board().task(name)


@driver.task
async def wf(name: str = "clean") -> str:
    return await note.aio(name=name)
