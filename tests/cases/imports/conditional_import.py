import sys

if sys.version_info >= (3, 10):
    from flytekit import task, workflow
else:
    from flytekit.core.task import task
    from flytekit.core.workflow import workflow


@task
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 4) -> int:
    return double(x=x)
