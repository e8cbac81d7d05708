import os
import sys  # used by nobody, and none of our business

import flyte

env = flyte.TaskEnvironment(name="unused_stays")
driver = flyte.TaskEnvironment(
    name="unused_stays-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def home() -> bool:
    return bool(os.sep)


@driver.task
async def wf() -> bool:
    return await home.aio()
