import flyte

env = flyte.TaskEnvironment(
    name="requests_and_limits", resources=flyte.Resources(cpu=("1", "2"), memory=("500Mi", "1Gi"))
)
limits_only_env = flyte.TaskEnvironment(name="requests_and_limits-limits-only", resources=flyte.Resources(cpu="2"))
the_same_env = flyte.TaskEnvironment(
    name="requests_and_limits-the-same", resources=flyte.Resources(cpu="1", memory="1Gi")
)
mixed_env = flyte.TaskEnvironment(
    name="requests_and_limits-mixed", resources=flyte.Resources(cpu=0.5, memory=("1024", "2Gi"), disk="10Gi")
)
pairs_env = flyte.TaskEnvironment(
    name="requests_and_limits-pairs", resources=flyte.Resources(cpu=("1", "2"), memory=("1Gi", "2Gi"))
)
disk_env = flyte.TaskEnvironment(name="requests_and_limits-disk", resources=flyte.Resources(disk="20Gi"))
driver = flyte.TaskEnvironment(
    name="requests_and_limits-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, limits_only_env, the_same_env, mixed_env, pairs_env, disk_env],
)


@env.task
def both(n: int) -> int:
    return n


@limits_only_env.task
def limits_only(n: int) -> int:
    return n


@the_same_env.task
def the_same(n: int) -> int:
    return n


@mixed_env.task
def mixed(n: int) -> int:
    return n


@pairs_env.task
def pairs(n: int) -> int:
    return n


@disk_env.task
def disk(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await disk.aio(
        n=await pairs.aio(n=await mixed.aio(n=await the_same.aio(n=await limits_only.aio(n=await both.aio(n=n)))))
    )
