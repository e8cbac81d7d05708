"""flytekit's own `Environment` bundles settings; it becomes a task environment of the same name."""

import flyte

base = flyte.TaskEnvironment(name="v1_environment-base", resources=flyte.Resources(cpu="1"), env_vars={"MODE": "test"})
large = flyte.TaskEnvironment(
    name="v1_environment-large", resources=flyte.Resources(cpu="4"), env_vars={"MODE": "test", "SIZE": "large"}
)
third_env = flyte.TaskEnvironment(
    name="v1_environment-third", resources=flyte.Resources(cpu="2"), env_vars={"MODE": "test"}
)
driver = flyte.TaskEnvironment(
    name="v1_environment-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[base, large, third_env],
)


@base.task(retries=1)
def first(n: int) -> int:
    return n + 1


@large.task(cache=flyte.Cache("auto", version_override="1"), retries=1)
def second(n: int) -> int:
    return n * 2


@third_env.task(retries=1)
def third(n: int) -> int:
    return n - 1


@driver.task
async def wf(n: int = 1) -> int:
    return await third.aio(n=await second.aio(n=await first.aio(n=n)))
