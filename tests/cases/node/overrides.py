"""`with_overrides` on a call, on a result, on a node."""

from datetime import timedelta

from flytekit import Resources, task, workflow


@task
def train(x: int) -> int:
    return x * 2


@task
def score(x: int) -> int:
    return x + 1


@workflow
def overrides(x: int = 2) -> int:
    fitted = train(x=x).with_overrides(requests=Resources(cpu="2", mem="1Gi"), retries=3)
    result = score(x=fitted)
    result.with_overrides(node_name="final-score", timeout=timedelta(minutes=5), interruptible=True)
    return result


@workflow
def cached(x: int = 2) -> int:
    return score(x=train(x=x).with_overrides(cache=True, cache_version="2")).with_overrides(cache=False)


@workflow
def no_counterpart(x: int = 2) -> int:
    return train(x=x).with_overrides(container_image="ghcr.io/example/gpu:1", name="big")


@workflow
def merged(x: int = 2) -> int:
    return train(x=x).with_overrides(requests=Resources(cpu="1", mem="1Gi"), limits=Resources(cpu="2", mem="2Gi"))
