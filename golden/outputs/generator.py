"""A task that yields its output."""

from typing import Iterator, List

import flyte

env = flyte.TaskEnvironment(name="generator")


# TODO(flyte-bridge FB431): greet yields its output: collect a list and return it
@env.task
def greet(names: List[str]) -> Iterator[str]:
    for name in names:
        yield f"Hello {name}"


@env.task
def inside(names: List[str]) -> int:
    def lengths() -> Iterator[int]:
        for name in names:
            yield len(name)

    return sum(lengths())
