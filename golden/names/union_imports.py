# verify: no, the union SDK is not installed here
import flyte

env = flyte.TaskEnvironment(name="union_imports", resources=flyte.Resources(cpu="2"))
driver = flyte.TaskEnvironment(
    name="union_imports-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 4) -> int:
    return await double.aio(x=x)
