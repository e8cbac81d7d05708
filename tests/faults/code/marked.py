"""A task that leaves a mark when its body begins and when it ends."""

import time
from pathlib import Path

from flytekit import task


@task
def step(where: str, name: str, seconds: float, after: list[int]) -> int:
    file = Path(where) / name
    with file.open("a") as mark:
        mark.write("begun\n")
    time.sleep(seconds)
    with file.open("a") as mark:
        mark.write("ended\n")
    return 1 + sum(after)
