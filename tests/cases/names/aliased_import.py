import flytekit as fk
from flytekit import task as step


@step
def double(x: int) -> int:
    return 2 * x


@fk.workflow
def wf(x: int = 4) -> int:
    return double(x=double(x=x))
