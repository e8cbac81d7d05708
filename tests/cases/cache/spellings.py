from flytekit import Cache, task, workflow

shared = Cache(version="7", serialize=True)


@task(cache=True, cache_version="1.0")
def with_version(n: int) -> int:
    return n


@task(cache=Cache(version="2", ignored_inputs=("verbose",), salt="pepper"))
def with_object(n: int, verbose: bool = False) -> int:
    return n


@task(cache=shared)
def with_name(n: int) -> int:
    return n


@task(cache=False)
def not_cached(n: int) -> int:
    return n


@task(cache_version="9")
def forgotten(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return forgotten(n=not_cached(n=with_name(n=with_object(n=with_version(n=n)))))
