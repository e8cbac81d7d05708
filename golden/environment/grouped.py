"""Tasks share an environment when what only an environment can hold is the same."""

import flyte

science = flyte.Image.from_debian_base().with_pip_packages("numpy")
env = flyte.TaskEnvironment(name="grouped")
science_env = flyte.TaskEnvironment(
    name="grouped-science", image=science, resources=flyte.Resources(memory="1Gi")
)
log_env = flyte.TaskEnvironment(name="grouped-log", env_vars={"LEVEL": "debug"})
driver = flyte.TaskEnvironment(
    name="grouped-workflows",
    image=science,
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, science_env, log_env],
)


@env.task
def start(n: int) -> int:
    return n


@science_env.task
def fit(n: int) -> int:
    return n + 1


@science_env.task(retries=1)
def score(n: int) -> int:
    return n + 2


@log_env.task
def log(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await log.aio(n=await score.aio(n=await fit.aio(n=await start.aio(n=n))))
