"""A sensor that waits for a file becomes a task that looks for it."""

import time

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="file_sensor")
driver = flyte.TaskEnvironment(
    name="file_sensor-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def sensor(path: str) -> None:
    while not File.from_existing_remote(path).exists_sync():
        time.sleep(10)


@env.task
def load() -> int:
    return 1


@driver.task
async def wf(path: str = __file__) -> int:
    await sensor.aio(path=path)
    loaded = await load.aio()
    return loaded
