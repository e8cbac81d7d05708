from basis import plus_one
from flytekit import workflow


@workflow
def twice(n: int = 1) -> int:
    return plus_one(n=plus_one(n=n))
