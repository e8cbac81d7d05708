import flyte

env = flyte.TaskEnvironment(name="keep")
driver = flyte.TaskEnvironment(
    name="keep-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

RETRIES = 2


@env.task(retries=RETRIES)
def load(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await load.aio(n=n)
