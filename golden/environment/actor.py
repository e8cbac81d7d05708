"""union's actors keep their containers: a reuse policy."""

import flyte

actor = flyte.TaskEnvironment(
    name="actor-actor",
    image=flyte.Image.from_debian_base().with_pip_packages("numpy"),
    resources=flyte.Resources(cpu="2", memory="500Mi"),
    reusable=flyte.ReusePolicy(replicas=2, idle_ttl=300),
)
short = flyte.TaskEnvironment(
    name="actor-short", reusable=flyte.ReusePolicy(replicas=1, idle_ttl=30)
)
driver = flyte.TaskEnvironment(
    name="actor-workflows",
    image=actor.image,
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[actor, short],
)


@actor.task
def say_hello(name: str) -> str:
    return f"hello {name}"


@short.task(cache=flyte.Cache("auto", version_override="1"))
def count(name: str) -> int:
    return len(name)


@driver.task
async def wf(name: str = "world") -> int:
    return await count.aio(name=await say_hello.aio(name=name))
