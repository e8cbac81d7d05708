"""union's actors keep their containers: a reuse policy."""

import union
from union import Resources

actor = union.ActorEnvironment(
    name="my-actor",
    replica_count=2,
    ttl_seconds=300,
    requests=Resources(cpu="2", mem="500Mi"),
    container_image=union.ImageSpec(packages=["numpy"]),
)
short = union.ActorEnvironment(name="short", ttl_seconds=10)


@actor.task
def say_hello(name: str) -> str:
    return f"hello {name}"


@short.task(cache=True, cache_version="1")
def count(name: str) -> int:
    return len(name)


@union.workflow
def wf(name: str = "world") -> int:
    return count(name=say_hello(name=name))
