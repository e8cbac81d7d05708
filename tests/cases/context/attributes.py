"""What tasks ask their context for."""

import os
from typing import Tuple

import flytekit
from flytekit import current_context, task, workflow


@task
def names() -> Tuple[bool, bool]:
    context = flytekit.current_context()
    context.logging.debug("run %s", context.execution_id.name)
    return bool(context.execution_id.name), context.execution_date is not None


@task
def scratch() -> str:
    """One directory, asked for twice."""
    first = os.path.join(current_context().working_directory, "a.txt")
    with open(first, "w") as out:
        out.write("kept")
    return open(os.path.join(current_context().working_directory, "a.txt")).read()


@task
def only_directory() -> bool:
    ctx = current_context()
    working_dir = ctx.working_directory
    return os.path.isdir(working_dir)


@task
def prefix() -> bool:
    return bool(current_context().raw_output_prefix)


@workflow
def wf() -> Tuple[bool, bool, str, bool, bool]:
    named, dated = names()
    return named, dated, scratch(), only_directory(), prefix()


if __name__ == "__main__":
    a, b, c, d, e = wf()
    print(a, b, c, d, e)
