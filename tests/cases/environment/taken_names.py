"""`env` and `driver` are names of the user's already."""

import os

from flytekit import task, workflow


@task
def level() -> str:
    env = dict(os.environ)
    return env.get("NO_SUCH_LEVEL", "info")


def driver() -> None:
    print("not a workflow")


@workflow
def wf() -> str:
    return level()
