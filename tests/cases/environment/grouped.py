"""Tasks share an environment when what only an environment can hold is the same."""

from flytekit import ImageSpec, Resources, task, workflow

science = ImageSpec(packages=["numpy"])


@task
def start(n: int) -> int:
    return n


@task(container_image=science, requests=Resources(mem="1Gi"))
def fit(n: int) -> int:
    return n + 1


@task(container_image=science, requests=Resources(mem="1Gi"), retries=1)
def score(n: int) -> int:
    return n + 2


@task(environment={"LEVEL": "debug"})
def log(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return log(n=score(n=fit(n=start(n=n))))
