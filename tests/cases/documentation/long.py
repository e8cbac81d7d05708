from flytekit import Description, Documentation, task, workflow


@task(docs=Documentation(short_description="Doubles.", long_description=Description(value="Twice the number.")))
def double(x: int) -> int:
    return 2 * x


@workflow(docs=Documentation(short_description="Doubles once."))
def wf(x: int = 2) -> int:
    return double(x=x)
