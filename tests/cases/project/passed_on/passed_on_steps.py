"""Everything of flytekit comes from another module."""

from passed_on_common import *


@step
def inc(x: int) -> int:
    return x + 1


@task(requests=Resources(cpu="1"))
def dbl(x: int) -> int:
    return x * 2


def chain(x):
    return dbl(x=inc(x=x))
