import flyte
from flytekit import reference_launch_plan, reference_task

env = flyte.TaskEnvironment(name="task_and_launch_plan")
driver = flyte.TaskEnvironment(
    name="task_and_launch_plan-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


# TODO(flyte-bridge FB351): count refers to something registered on Flyte 1
@reference_task(project="wine", domain="production", name="cellar.count", version="v1")
def count(bottles: int) -> int: ...


# TODO(flyte-bridge FB351): nightly refers to something registered on Flyte 1
@reference_launch_plan(project="wine", domain="production", name="cellar.nightly", version="v1")
def nightly(n: int) -> int: ...


@env.task
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 1) -> int:
    return await double.aio(x=x)
