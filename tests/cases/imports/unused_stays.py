import os
import sys  # used by nobody, and none of our business

from flytekit import Resources, task, workflow


@task
def home() -> bool:
    return bool(os.sep)


@workflow
def wf() -> bool:
    return home()
