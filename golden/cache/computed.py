import os

import flyte

env = flyte.TaskEnvironment(name="computed")
driver = flyte.TaskEnvironment(
    name="computed-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

DEBUG = bool(os.environ.get("NO_SUCH_DEBUG"))
VERSION = "2"


@env.task(
    cache=flyte.Cache("auto", version_override=f"v{VERSION}") if not DEBUG else "disable",
)
def load(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await load.aio(n=n)
