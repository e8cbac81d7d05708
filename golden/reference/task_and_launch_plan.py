import flyte

env = flyte.TaskEnvironment(name="task_and_launch_plan")
driver = flyte.TaskEnvironment(
    name="task_and_launch_plan-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


try:
    from flytekit import reference_task

    # TODO(flyte-bridge FB351): count refers to something registered on Flyte 1
    @reference_task(project="wine", domain="production", name="cellar.count", version="v1")
    def count(bottles: int) -> int: ...
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    count = None


try:
    from flytekit import reference_launch_plan

    # TODO(flyte-bridge FB351): nightly refers to something registered on Flyte 1
    @reference_launch_plan(project="wine", domain="production", name="cellar.nightly", version="v1")
    def nightly(n: int) -> int: ...
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    nightly = None


@env.task
def double(x: int) -> int:
    return 2 * x


@driver.task
async def wf(x: int = 1) -> int:
    return await double.aio(x=x)
