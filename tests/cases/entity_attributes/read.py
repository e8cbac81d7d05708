from flytekit import LaunchPlan, task, workflow


@task
def t(x: int, y: str = "a") -> int:
    return x


@workflow
def wf(x: int = 1) -> int:
    return t(x=x)


def types() -> list[str]:
    return [f"{name}: {kind.__name__}" for name, kind in t.python_interface.inputs.items()]


def called() -> int:
    return t.task_function(3)


def described() -> list[str]:
    return [t.name, str(wf.nodes), str(t.interface), str(t.metadata.retries), str(list(wf.python_interface.outputs))]


class Other:
    name = "not an entity"


other = Other().name
