import flytekit


@flytekit.task
def where(x: int) -> str:
    from flytekit import current_context

    return f"{x} {bool(current_context().execution_id.name)}"


@flytekit.workflow
def wf(x: int = 1) -> str:
    return where(x=x)
