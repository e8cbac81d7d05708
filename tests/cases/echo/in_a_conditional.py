from flytekit import conditional, task, workflow
from flytekit.core.task import Echo

echo = Echo(name="echo", inputs={"a": int})


@task
def up(x: int) -> int:
    return x + 10


@workflow
def wf(go: bool = False, x: int = 1) -> int:
    return conditional("c").if_(go.is_true()).then(up(x=x)).else_().then(echo(a=x))


both = Echo(name="both", inputs={"a": int, "b": str})


@workflow
def pair(x: int = 1) -> tuple[int, str]:
    a, b = both(a=up(x=x), b="text")
    return a, b
