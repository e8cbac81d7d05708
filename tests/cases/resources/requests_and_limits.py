from flytekit import Resources, task, workflow


@task(requests=Resources(cpu="1", mem="500Mi"), limits=Resources(cpu="2", mem="1Gi"))
def both(n: int) -> int:
    return n


@task(limits=Resources(cpu="2"))
def limits_only(n: int) -> int:
    return n


@task(requests=Resources(cpu="1", mem="1Gi"), limits=Resources(cpu="1", mem="1Gi"))
def the_same(n: int) -> int:
    return n


@task(requests=Resources(cpu=0.5, mem=1024), limits=Resources(mem="2Gi", ephemeral_storage="10Gi"))
def mixed(n: int) -> int:
    return n


@task(resources=Resources(cpu=("1", "2"), mem=["1Gi", "2Gi"]))
def pairs(n: int) -> int:
    return n


@task(requests=Resources(ephemeral_storage="5Gi"), limits=Resources(ephemeral_storage="20Gi"))
def disk(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return disk(n=pairs(n=mixed(n=the_same(n=limits_only(n=both(n=n))))))
