"""A file that uses the short names for something else."""

from dataclasses import dataclass

from flytekit import task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile


@dataclass
class File:
    name: str


@task
def size(data: FlyteFile, folder: FlyteDirectory) -> int:
    File("x")
    return len(open(data).read())
