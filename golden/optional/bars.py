"""A file that writes unions with bars keeps writing them so."""

import flyte

env = flyte.TaskEnvironment(name="bars")
driver = flyte.TaskEnvironment(
    name="bars-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def length(words: list[str] | None = None, extra: int | None = None) -> int:
    return len(words or []) + (extra or 0)


@driver.task
async def wf(extra: int | None = None) -> int:
    return await length.aio(extra=extra)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf, extra=3).outputs()[0])
