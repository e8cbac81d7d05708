"""Results assigned with an annotation: the annotation is Flyte 2's too."""

from flytekit import task, workflow
from flytekit.types.file import FlyteFile


@task
def write(text: str) -> FlyteFile:
    path = "text.txt"
    with open(path, "w") as out:
        out.write(text)
    return FlyteFile(path)


@task
def length(source: FlyteFile) -> int:
    with open(source) as lines:
        return len(lines.read())


@workflow
def annotated(text: str = "four") -> int:
    written: FlyteFile = write(text=text)  # a file
    size: int = length(source=written)
    return size
