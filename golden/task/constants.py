"""Settings given by module-level constants are followed."""

from datetime import timedelta

import flyte

CACHE = True
VERSION = "3"
LIMIT = timedelta(hours=1)
SMALL = flyte.Resources(cpu="1", memory="500Mi")
LARGE = flyte.Resources(cpu="2", memory="1Gi")
env = flyte.TaskEnvironment(
    name="constants",
    resources=flyte.Resources(
        cpu=(SMALL.cpu, LARGE.cpu), memory=(SMALL.memory, LARGE.memory)
    ),
)
small_env = flyte.TaskEnvironment(name="constants-small", resources=SMALL)
driver = flyte.TaskEnvironment(
    name="constants-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, small_env],
)


@env.task(cache=flyte.Cache("auto", version_override=VERSION), timeout=LIMIT)
def load(n: int) -> int:
    return n


@small_env.task
def small(n: int) -> int:
    return n + 1


@driver.task
async def wf(n: int = 5) -> int:
    return await small.aio(n=await load.aio(n=n))
