"""Each parameter of a task that is the task's own in Flyte 2."""

from datetime import timedelta

import flyte

env = flyte.TaskEnvironment(name="every_parameter")
driver = flyte.TaskEnvironment(
    name="every_parameter-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task(
    cache=flyte.Cache(
        "auto",
        version_override="1.1",
        serialize=True,
        ignored_inputs=("verbose",),
    ),
    retries=3,
    timeout=timedelta(minutes=10),
    interruptible=True,
    docs=flyte.Documentation(description="Adds one."),
    pod_template=flyte.PodTemplate(
        primary_container_name="main", labels={"team": "wine"}
    ),
    report=True,
)
def add_one(x: int, verbose: bool = False) -> int:
    return x + 1


@env.task(timeout=30, interruptible=False)
def add_two(x: int) -> int:
    return x + 2


@env.task(pod_template="big-pod", report=True)
def add_three(x: int) -> int:
    return x + 3


@driver.task
async def wf(x: int = 1) -> int:
    return await add_three.aio(x=await add_two.aio(x=await add_one.aio(x=x)))
