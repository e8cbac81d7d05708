"""A task that yields its output."""

from typing import Iterator, List

from flytekit import task


@task
def greet(names: List[str]) -> Iterator[str]:
    for name in names:
        yield f"Hello {name}"


@task
def inside(names: List[str]) -> int:
    def lengths() -> Iterator[int]:
        for name in names:
            yield len(name)

    return sum(lengths())
