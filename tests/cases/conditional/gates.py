"""Conditions of every kind."""

from typing import Optional, Tuple

from flytekit import conditional, task, workflow


@task
def measure(x: int) -> int:
    return x


@task
def is_even(x: int) -> bool:
    return x % 2 == 0


@task
def half(x: int) -> int:
    return x // 2


@task
def triple(x: int) -> int:
    return 3 * x + 1


@task
def describe(x: int) -> Tuple[str, int]:
    return f"is {x}", x


@task
def note(x: int) -> None:
    print("note", x)


@workflow
def parity(x: int = 7) -> int:
    even = is_even(x=x)
    return conditional("parity").if_(even.is_true()).then(half(x=x)).else_().then(triple(x=x))


@workflow
def chain(x: int = 7) -> int:
    value = measure(x=x)
    other = measure(x=3)
    return (
        conditional("chain")
        .if_((value > 0) & (value < 5))
        .then(half(x=value))
        .elif_((value == other) | ((value >= 5) & (other != 4)))
        .then(triple(x=value))
        .else_()
        .fail("out of range")
    )


@workflow
def refused(x: int = -7) -> int:
    return conditional("refused").if_(x > 0).then(half(x=x)).else_().fail("must be positive")


@workflow
def several_outputs(x: int = 4) -> Tuple[str, int]:
    text, value = conditional("pair").if_(x > 3).then(describe(x=x)).else_().then(describe(x=0))
    return text, value


@workflow
def unused(x: int = 4) -> int:
    conditional("unused").if_(x > 3).then(note(x=x)).else_().then(note(x=0))
    return measure(x=x)


@workflow
def not_even(x: int = 4) -> int:
    even = is_even(x=x)
    return conditional("odd").if_(even.is_false()).then(triple(x=x)).else_().then(half(x=x))
