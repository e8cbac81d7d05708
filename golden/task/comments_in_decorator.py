import flyte

env = flyte.TaskEnvironment(
    name="comments_in_decorator", resources=flyte.Resources(memory="8Gi")
)
driver = flyte.TaskEnvironment(
    name="comments_in_decorator-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


# Reads everything into memory.
# the table has 4 GiB
# the store is flaky
@env.task(retries=2)
def read(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await read.aio(n=n)
