"""What is added beside a line with a call in it (a path fetched once, a working directory) is there."""

import os

from flytekit import current_context, dynamic, task
from flytekit.types.file import FlyteFile


@task
def write(text: str) -> FlyteFile:
    path = "text.txt"
    with open(path, "w") as out:
        out.write(text)
    return FlyteFile(path)


@task
def length(text: str) -> int:
    return len(text)


@dynamic
def twice_read(source: FlyteFile) -> int:
    """Reads what it is given."""
    # the first line calls a task
    first = length(text="constant")
    with open(source) as one:
        text = one.read()
    with open(source) as two:
        text += two.read()
    second = length(text=text)
    return second


@dynamic
def working(n: int) -> int:
    size = length(text="x" * n)
    directory = current_context().working_directory
    other = os.path.join(current_context().working_directory, "other")
    os.makedirs(other, exist_ok=True)
    return length(text=str(os.path.isdir(directory) and os.path.isdir(other)))
