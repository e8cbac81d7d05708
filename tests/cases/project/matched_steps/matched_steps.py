"""`match` binds a task to a name."""

from flytekit import task, workflow


@task
def inc(x: int) -> int:
    return x + 1


@task
def dbl(x: int) -> int:
    return x * 2


class Box:
    def __init__(self, step):
        self.step = step


@workflow
def wf(x: int = 1) -> int:
    match [inc, dbl, inc]:
        case [first, *rest]:
            x = rest[0](x=first(x=x))
    match {"step": dbl}:
        case {"step": step}:
            x = step(x=x)
    match Box(inc):
        case Box(step=held):
            x = held(x=x)
    return x
