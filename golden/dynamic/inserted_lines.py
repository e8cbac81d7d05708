"""What is added beside a line with a call in it (a path fetched once, a working directory) is there."""

import asyncio
import os
import tempfile

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="inserted_lines")
driver = flyte.TaskEnvironment(
    name="inserted_lines-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def write(text: str) -> File:
    path = "text.txt"
    with open(path, "w") as out:
        out.write(text)
    return File.from_local_sync(path)


@env.task
def length(text: str) -> int:
    return len(text)


@driver.task
async def twice_read(source: File) -> int:
    """Reads what it is given."""
    source_path = await source.download()
    with open(source_path) as one:
        text = one.read()
    with open(source_path) as two:
        text += two.read()
    # the first line calls a task
    _, second = await asyncio.gather(length.aio(text="constant"), length.aio(text=text))
    return second


@driver.task
async def working(n: int) -> int:
    working_directory = tempfile.mkdtemp()
    directory = working_directory
    other = os.path.join(working_directory, "other")
    os.makedirs(other, exist_ok=True)
    _, length_result = await asyncio.gather(
        length.aio(text="x" * n), length.aio(text=str(os.path.isdir(directory) and os.path.isdir(other)))
    )
    return length_result
