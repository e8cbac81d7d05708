"""Each parameter of a task that is the task's own in Flyte 2."""

from datetime import timedelta

from flytekit import Documentation, PodTemplate, task, workflow


@task(
    cache=True,
    cache_version="1.1",
    cache_serialize=True,
    cache_ignore_input_vars=("verbose",),
    retries=3,
    interruptible=True,
    timeout=timedelta(minutes=10),
    docs=Documentation(short_description="Adds one."),
    enable_deck=True,
    pod_template=PodTemplate(primary_container_name="main", labels={"team": "wine"}),
    pickle_untyped=False,
)
def add_one(x: int, verbose: bool = False) -> int:
    return x + 1


@task(timeout=30, interruptible=False, retries=0, disable_deck=True)
def add_two(x: int) -> int:
    return x + 2


@task(timeout=0, disable_deck=False, pod_template_name="big-pod")
def add_three(x: int) -> int:
    return x + 3


@workflow
def wf(x: int = 1) -> int:
    return add_three(x=add_two(x=add_one(x=x)))
