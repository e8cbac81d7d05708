from flytekit import task, workflow


@task
def count(obj: str, func: str, name: str) -> int:
    return len(obj) + len(func) + len(name)


@workflow
def wf(task: str = "a", context: str = "b") -> int:
    return count(obj=task, func=context, name="c")


def plain(obj: str) -> str:
    return obj
