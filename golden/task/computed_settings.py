import flyte

env = flyte.TaskEnvironment(name="computed_settings")
driver = flyte.TaskEnvironment(
    name="computed_settings-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

SETTINGS = {"retries": 2}


# TODO(flyte-bridge FB302): **SETTINGS holds settings that cannot be read here; they are not carried over
@env.task
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 3) -> int:
    return await double.aio(x=x)
