"""What tasks ask their context for."""

import asyncio
import os
import tempfile
from typing import Tuple

import flyte

env = flyte.TaskEnvironment(name="attributes")
driver = flyte.TaskEnvironment(
    name="attributes-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def names() -> Tuple[bool, bool]:
    context = flyte.ctx()
    flyte.logger.debug("run %s", context.action.run_name)
    return bool(context.action.run_name), context.run_start_time is not None


@env.task
def scratch() -> str:
    """One directory, asked for twice."""
    working_directory = tempfile.mkdtemp()
    first = os.path.join(working_directory, "a.txt")
    with open(first, "w") as out:
        out.write("kept")
    return open(os.path.join(working_directory, "a.txt")).read()


@env.task
def only_directory() -> bool:
    working_dir = tempfile.mkdtemp()
    return os.path.isdir(working_dir)


@env.task
def prefix() -> bool:
    return bool(flyte.ctx().raw_data_path.path)


@driver.task
async def wf() -> Tuple[bool, bool, str, bool, bool]:
    (named, dated), scratch_result, only_directory_result, prefix_result = await asyncio.gather(
        names.aio(), scratch.aio(), only_directory.aio(), prefix.aio()
    )
    return named, dated, scratch_result, only_directory_result, prefix_result


if __name__ == "__main__":
    flyte.init()
    a, b, c, d, e = flyte.run(wf).outputs()
    print(a, b, c, d, e)
