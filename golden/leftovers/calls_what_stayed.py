"""What stays Flyte 1's and is called while the module is imported: the rest of it works without flytekit all the same."""

import flyte

env = flyte.TaskEnvironment(name="calls_what_stayed")
driver = flyte.TaskEnvironment(
    name="calls_what_stayed-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


try:
    from flytekit.sensor.base_sensor import BaseSensor

    # TODO(flyte-bridge FB472): BaseSensor: poll in a task with flyte.durable.sleep between
    class Ready(BaseSensor):
        def __init__(self, name: str):
            super().__init__(name=name)

        async def poke(self, path: str) -> bool:
            return True
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    Ready = None


def made(name: str) -> Ready:
    return Ready(name)


def shouted(name: str) -> str:
    from flytekit.sensor.base_sensor import BaseSensor

    # TODO(flyte-bridge FB472): BaseSensor: poll in a task with flyte.durable.sleep between
    return BaseSensor.__name__ + name


try:
    ready = Ready("ready")
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    ready = None
try:
    again = made("again")
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    again = None
first = [ready, again][0]
try:
    title = shouted("title")
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    title = None


@env.task
def one() -> int:
    return 1


@driver.task
async def wf() -> int:
    return await one.aio()
