"""None as the default of an input that does not declare it."""

from typing import List, Union

from flytekit import task, workflow
from flytekit.types.file import FlyteFile


@task
def length(words: List[str] = None, extra: int = None, either: Union[int, None] = None) -> int:
    return len(words or []) + (extra or 0) + (either or 0)


@task
def read(file: FlyteFile = None) -> str:
    return "none" if file is None else open(file).read()


@workflow
def wf(extra: int = None, name: "str" = None) -> int:
    return length(words=["a"], extra=extra)


def plain(x: int = None) -> int:
    return x or 0


if __name__ == "__main__":
    print(wf(extra=3, name="x"))
