"""What a team has registered in Flyte 1: branches in branches, shared sub-workflows, child launch plans, a schedule,
and a task that no laptop can run."""

from datetime import timedelta

from flytekit import ContainerTask, CronSchedule, FixedRate, LaunchPlan, conditional, kwtypes, task, workflow


@task(cache=True, cache_version="1")
def plus(x: int) -> int:
    """Adds one."""
    return x + 1


@workflow
def inner(x: int) -> int:
    return conditional("sign").if_(x > 0).then(plus(x=x)).else_().then(plus(x=1))


@workflow
def other(x: int) -> int:
    return inner(x=x)


@workflow
def outer(x: int = 1) -> int:
    """Chooses."""
    high = conditional("deep").if_(x > 5).then(plus(x=x)).else_().then(inner(x=x))
    chosen = conditional("wide").if_(x > 3).then(inner(x=x)).else_().then(plus(x=2))
    other(x=chosen)
    inner(x=high)
    return plus(x=chosen)


by_hand = LaunchPlan.get_or_create(outer, "by_hand", fixed_inputs={"x": 4})
every_day = LaunchPlan.get_or_create(outer, "every_day", schedule=CronSchedule(schedule="0 6 * * *"))
every_hour = LaunchPlan.get_or_create(
    inner, "every_hour", fixed_inputs={"x": 1}, schedule=FixedRate(timedelta(hours=1))
)


@workflow
def parent(x: int = 1) -> int:
    return plus(x=by_hand())


shell = ContainerTask(name="shell", image="alpine", command=["true"], inputs=kwtypes(), outputs=kwtypes())


@workflow
def raw() -> None:
    shell()


@workflow
def around() -> None:
    raw()
