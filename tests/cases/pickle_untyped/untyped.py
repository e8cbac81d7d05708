from flytekit import task, workflow


@task(pickle_untyped=True)
def t(a):
    return a + 1


@task(pickle_untyped=True)
def times(a, b: int):
    return a * b


@workflow(pickle_untyped=True)
def wf(a=1):
    return times(a=t(a=a), b=2)
