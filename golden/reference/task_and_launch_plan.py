import flyte
import flyte.remote

env = flyte.TaskEnvironment(name="task_and_launch_plan")
driver = flyte.TaskEnvironment(
    name="task_and_launch_plan-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


# TODO(flyte-bridge FB351): count refers to "cellar.count" of Flyte 1: say what it is called in Flyte 2, and its version
count = flyte.remote.Task.get("cellar.count", project="wine", domain="production", version="v1")


# TODO(flyte-bridge FB351): nightly refers to "cellar.nightly" of Flyte 1: say what it is called in Flyte 2, and its version
nightly = flyte.remote.Task.get("cellar.nightly", project="wine", domain="production", version="v1")


@env.task
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 1) -> int:
    return await double.aio(x=x)
