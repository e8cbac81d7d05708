"""None as the default of an input that does not declare it."""

from typing import List, Union, Optional

import flyte
from flyte.io import File
from flytekit import task, workflow


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def length(words: Optional[List[str]] = None, extra: Optional[int] = None, either: Union[int, None] = None) -> int:
    return len(words or []) + (extra or 0) + (either or 0)


# TODO(flyte-bridge FB103): flytekit.task is still used here
@task
def read(file: Optional[File] = None) -> str:
    return "none" if file is None else open(file.download_sync()).read()


# TODO(flyte-bridge FB103): flytekit.workflow is still used here
@workflow
async def wf(extra: Optional[int] = None, name: Optional["str"] = None) -> int:
    return await length.aio(words=["a"], extra=extra)


def plain(x: int = None) -> int:
    return x or 0


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf, extra=3, name="x").outputs()[0])
