"""None as the default of an input that does not declare it."""

from typing import List, Optional, Union

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="none_default")
driver = flyte.TaskEnvironment(
    name="none_default-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def length(words: Optional[List[str]] = None, extra: Optional[int] = None, either: Union[int, None] = None) -> int:
    return len(words or []) + (extra or 0) + (either or 0)


@env.task
def read(file: Optional[File] = None) -> str:
    return "none" if file is None else open(file.download_sync()).read()


@driver.task
async def wf(extra: Optional[int] = None, name: Optional["str"] = None) -> int:
    return await length.aio(words=["a"], extra=extra)


def plain(x: int = None) -> int:
    return x or 0


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf, extra=3, name="x").outputs()[0])
