"""Workflows whose driver is killed while something of it was forgotten already."""

from pathlib import Path

from flytekit import LaunchPlan, WorkflowFailurePolicy, conditional, map_task, task, workflow
from flytekit.core.task import Echo


@task
def mark(where: str, what: str, x: int) -> int:
    with (Path(where) / what).open("a") as file:
        file.write("x\n")
    return x + 1


@task
def breaks(where: str) -> int:
    with (Path(where) / "breaks").open("a") as file:
        file.write("x\n")
    raise ValueError("on purpose")
    return 0


@task
def hold(where: str) -> int:
    """Lasts until a file is there."""
    import time

    (Path(where) / "held").touch()
    while not (Path(where) / "go").exists():
        time.sleep(0.05)
    return 0


echo = Echo(name="forgets.echo", inputs={"x": int})


@workflow
def child(where: str) -> int:
    return breaks(where=where)


CHILD = LaunchPlan.get_or_create(child, name="forgets.child-plan")


@workflow
def late(where: str) -> int:
    return mark(where=where, what="late", x=1)


LATE = LaunchPlan.get_or_create(late, name="forgets.late-plan")


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def refused_beside(where: str) -> int:
    """A launch plan that is registered only after it was refused."""
    LATE(where=where)
    return hold(where=where)


@task
def odd(x: int) -> int:
    if x % 2 == 0:
        raise ValueError("even")
    return x


@workflow
def steps(where: str) -> int:
    first = mark(where=where, what="first", x=1)
    held = hold(where=where)
    first >> held
    return mark(where=where, what="last", x=first)


@workflow(failure_policy=WorkflowFailurePolicy.FAIL_AFTER_EXECUTABLE_NODES_COMPLETE)
def failed_beside(where: str, values: list[int]) -> int:
    """A child execution and a map fail; meanwhile another goes on, in which the driver is killed."""
    CHILD(where=where)
    map_task(odd)(x=values)
    return mark(where=where, what="after", x=hold(where=where))


@workflow
def fails_at_once(where: str, x: int) -> int:
    """A task that has just been enqueued when its workflow fails: echoes need no process."""
    held = hold(where=where)
    echoed = echo(x=echo(x=echo(x=x)))
    conditional("c").if_(echoed > 5).then(mark(where=where, what="never", x=x)).else_().fail("too small")
    return held
