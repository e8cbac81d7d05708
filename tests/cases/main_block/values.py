"""What a main block does with the values of workflows and tasks."""

from typing import NamedTuple, Tuple

from flytekit import LaunchPlan, current_context, task, workflow
from flytekit.types.file import FlyteFile

Stats = NamedTuple("Stats", total=int, mean=float)
Single = NamedTuple("Single", total=int)


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@task
def run_name() -> bool:
    return current_context().execution_id.name is not None


@task
def write(text: str) -> FlyteFile:
    with open("/tmp/flyte_bridge_case_main.txt", "w") as out:
        out.write(text)
    return "/tmp/flyte_bridge_case_main.txt"


@workflow
def single(a: int = 1) -> int:
    return add(a=a)


@workflow
def pair(a: int) -> Tuple[int, int]:
    return add(a=a), add(a=a, b=a)


@workflow
def named(a: int) -> Stats:
    total = add(a=a)
    return Stats(total=total, mean=0.5)


@workflow
def boxed(a: int) -> Single:
    return Single(total=add(a=a))


@workflow
def silent(a: int = 1) -> None:
    add(a=a)


@workflow
def file(text: str = "text") -> FlyteFile:
    return write(text=text)


forty = LaunchPlan.get_or_create(single, "forty", fixed_inputs={"a": 40})


def check() -> None:
    """Called by tests."""
    assert single(a=3) == 4
    assert pair(a=2) == (3, 4)


if __name__ == "__main__":
    # the simplest first
    print(single(), single(a=5))
    print(add(a=2), run_name())
    left, right = pair(a=4)
    print(left, right)
    stats = named(a=6)
    print(stats.total, stats.mean, named(a=7))
    print(boxed(a=8).total)
    silent()
    print(silent(a=2))
    for a in range(2):
        result = single(
            a=a,
        )
        print(f"{a}: {result}")
    print(open(file(text="from a file")).read())
    print(open(write(text="from a task")).read())
    print(forty())
    check()
