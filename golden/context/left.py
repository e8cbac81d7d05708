"""What Flyte 2's context does not know."""

import flyte

env = flyte.TaskEnvironment(name="left")


@env.task
def statistics(n: int) -> int:
    from flytekit import current_context

    # TODO(flyte-bridge FB410): current_context().stats.incr has no counterpart in flyte.ctx()
    current_context().stats.incr("runs")
    ctx = flyte.ctx()
    task_name = ctx.action.name
    # TODO(flyte-bridge FB410): current_context().stats.gauge has no counterpart in flyte.ctx()
    ctx.stats.gauge(task_name, n)
    return n


@env.task
def inner() -> str:
    ctx = flyte.ctx()
    # TODO(flyte-bridge FB413): FlyteContext.execution_state.mode has no counterpart in flyte.ctx()
    mode = ctx.execution_state.mode
    return f"{mode} {ctx.action.project}"


def describe(context) -> str:
    return str(context)


@env.task
def passed_on() -> str:
    # TODO(flyte-bridge FB412): the context is passed on: what reads it must read flyte.ctx() instead
    return describe(flyte.ctx())
