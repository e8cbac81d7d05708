"""Names the conversion would like are taken already."""

from flytekit import task, workflow


@task
def run_load(x: int) -> int:
    return x


@task
def load(x: int) -> int:
    return x + 1


@task
def clean(x: int) -> int:
    return x + 2


@task
def join(load: int, clean: int, clean_result: int) -> int:
    return load + clean + clean_result


run_clean = 5


@workflow
def taken(x: int = 1, a_task: int = 2) -> int:
    clean_result = clean(x=run_load(x=x))
    return join(load=load(x=clean(x=a_task)), clean=clean(x=load(x=x)), clean_result=clean_result)
