"""Flytekit comes through a module, by an attribute and by a name."""

from typing import List

import passed_on_common as common
from passed_on_common import LIMIT, map_task, when
from passed_on_steps import chain, dbl, inc


@common.task
def total(xs: List[int]) -> int:
    return sum(xs)


@common.fk.workflow
def wf(x: int = 1) -> int:
    y = when("large").if_(x > LIMIT).then(inc(x=x)).else_().then(dbl(x=x))
    return total(xs=map_task(inc)(x=[chain(x), y]))
