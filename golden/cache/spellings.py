import flyte

env = flyte.TaskEnvironment(name="spellings")
driver = flyte.TaskEnvironment(
    name="spellings-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

shared = flyte.Cache("auto", version_override="7", serialize=True)


@env.task(cache=flyte.Cache("auto", version_override="1.0"))
def with_version(n: int) -> int:
    return n


@env.task(
    cache=flyte.Cache(
        "auto",
        version_override="2",
        ignored_inputs=("verbose",),
        salt="pepper",
    ),
)
def with_object(n: int, verbose: bool = False) -> int:
    return n


@env.task(cache=shared)
def with_name(n: int) -> int:
    return n


@env.task
def not_cached(n: int) -> int:
    return n


@env.task
def forgotten(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await forgotten.aio(
        n=await not_cached.aio(n=await with_name.aio(n=await with_object.aio(n=await with_version.aio(n=n)))),
    )
