"""A file that uses the short names for something else."""

from dataclasses import dataclass

import flyte.io
from flyte.io import Dir
from flytekit import task


@dataclass
class File:
    name: str


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def size(data: flyte.io.File, folder: Dir) -> int:
    File("x")
    return len(open(data.download_sync()).read())
