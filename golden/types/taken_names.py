"""A file that uses the short names for something else."""

from dataclasses import dataclass

import flyte
import flyte.io
from flyte.io import Dir

env = flyte.TaskEnvironment(name="taken_names")


@dataclass
class File:
    name: str


@env.task
def size(data: flyte.io.File, folder: Dir) -> int:
    File("x")
    return len(open(data.download_sync()).read())
