try:
    from flytekit import task, workflow
except ImportError:
    task = workflow = None


@task
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 4) -> int:
    return double(x=x)
