"""A file that writes unions with bars keeps writing them so."""

import flyte
from flytekit import task, workflow


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def length(words: list[str] | None = None, extra: int | None = None) -> int:
    return len(words or []) + (extra or 0)


# TODO(flyte-bridge FB103): flytekit.workflow is still used here
@workflow
async def wf(extra: int | None = None) -> int:
    return await length.aio(extra=extra)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf, extra=3).outputs()[0])
