"""Tasks that tell when their body begins, and end when they are let."""

import time
from pathlib import Path

from flytekit import task, workflow

POLL = 0.02


def _wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(POLL)


@task
def body(where: str, mark: str, until: str) -> str:
    with (Path(where) / mark).open("a") as file:
        file.write("begun\n")
    if until:
        _wait_for(Path(where) / until)
    return mark


@workflow
def one(where: str, mark: str, until: str) -> str:
    return body(where=where, mark=mark, until=until)
