"""Results assigned with an annotation: the annotation is Flyte 2's too."""

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="annotated_results")
driver = flyte.TaskEnvironment(
    name="annotated_results-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def write(text: str) -> File:
    path = "text.txt"
    with open(path, "w") as out:
        out.write(text)
    return File.from_local_sync(path)


@env.task
def length(source: File) -> int:
    with open(source.download_sync()) as lines:
        return len(lines.read())


@driver.task
async def annotated(text: str = "four") -> int:
    written: File = await write.aio(text=text)  # a file
    size: int = await length.aio(source=written)
    return size
