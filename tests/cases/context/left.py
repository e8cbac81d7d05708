"""What Flyte 2's context does not know."""

from flytekit import FlyteContextManager, current_context, task


@task
def statistics(n: int) -> int:
    current_context().stats.incr("runs")
    ctx = current_context()
    task_name = ctx.task_id.name
    ctx.stats.gauge(task_name, n)
    return n


@task
def inner() -> str:
    ctx = FlyteContextManager.current_context()
    mode = ctx.execution_state.mode
    return f"{mode} {ctx.user_space_params.execution_id.project}"


def describe(context) -> str:
    return str(context)


@task
def passed_on() -> str:
    return describe(current_context())
