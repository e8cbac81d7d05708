"""Workflows and tasks without outputs, positional arguments, an empty workflow."""

import asyncio

import flyte

env = flyte.TaskEnvironment(name="no_outputs")
driver = flyte.TaskEnvironment(
    name="no_outputs-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def note(text: str, times: int = 1) -> None:
    print(text * times)


@env.task
def number() -> int:
    return 3


@driver.task
async def notes() -> None:
    """Two notes that do not wait for each other."""

    async def run_note() -> None:
        await note.aio(text="b", times=await number.aio())

    await asyncio.gather(note.aio(text="a"), run_note())


@driver.task
async def nothing():
    pass


@driver.task
async def only_doc(x: int = 1) -> int:
    """Gives its input back."""
    return x
