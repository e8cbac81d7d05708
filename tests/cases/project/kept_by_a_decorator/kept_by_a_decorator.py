"""A decorator keeps a task in a table; a name is found in text."""

import collections
import importlib

from flytekit import task, workflow

TABLE = {}


def kept(step):
    TABLE["inc"] = step
    return step


@kept
@task
def inc(x: int) -> int:
    return x + 1


class Steps:
    inc = inc


@workflow
def wf(x: int = 1) -> int:
    queue = collections.deque([inc])
    x = queue.popleft()(x=TABLE["inc"](x=x))
    x = importlib.import_module(__name__).inc(x=x)
    return Steps.__dict__["inc"](x=eval("inc")(x=x))
