from flytekit import Resources, task, workflow


# Reads everything into memory.
@task(
    # the table has 4 GiB
    requests=Resources(mem="8Gi"),
    retries=2,  # the store is flaky
)
def read(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return read(n=n)
