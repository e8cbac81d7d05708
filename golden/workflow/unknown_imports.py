"""A function from a module that is not converted along (it might be a task), and one of Python's own."""

from json import dumps

import flyte
from torch.hub import load

env = flyte.TaskEnvironment(name="unknown_imports")
driver = flyte.TaskEnvironment(
    name="unknown_imports-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def show(text: str) -> str:
    return text


@driver.task
async def mixed(x: str = "repo") -> str:
    prepared = load(github=x)
    text = dumps(obj={"a": 1})
    return await show.aio(text=text)
