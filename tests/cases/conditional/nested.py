"""Conditionals in conditionals, arms that are workflows, arms beside other calls."""

from typing import Tuple

from flytekit import conditional, task, workflow


@task
def small(x: int) -> str:
    return f"small {x}"


@task
def medium(x: int) -> str:
    return f"medium {x}"


@task
def large(x: int) -> str:
    return f"large {x}"


@task
def size(x: int) -> int:
    return x * 2


@workflow
def twice_large(x: int) -> str:
    return large(x=size(x=x))


@workflow
def nested(x: int = 30) -> str:
    return (
        conditional("outer")
        .if_(x < 10)
        .then(small(x=x))
        .else_()
        .then(
            conditional("inner").if_(x < 100).then(medium(x=x)).else_().then(twice_large(x=x)),
        )
    )


@workflow
def beside(x: int = 300) -> Tuple[str, int]:
    """The branch and the size do not wait for each other."""
    label = conditional("label").if_(x < 100).then(small(x=x)).else_().then(twice_large(x=x))
    measured = size(x=x)
    return label, size(x=measured)


@workflow
def after(x: int = 5) -> str:
    measured = size(x=x)
    label = conditional("label").if_(measured < 100).then(small(x=measured)).else_().then(large(x=measured))
    return label
