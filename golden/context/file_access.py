"""Data moved by hand through flytekit's file access."""

import asyncio
import os
import tempfile
from pathlib import Path

import flyte
from flyte.io import Dir, File

env = flyte.TaskEnvironment(name="file_access")
driver = flyte.TaskEnvironment(
    name="file_access-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def moved(text: str) -> str:
    ctx = flyte.ctx()
    source = os.path.join(tempfile.mkdtemp(), "a.txt")
    Path(source).write_text(text)
    target = os.path.join(tempfile.mkdtemp(), "b.txt")
    File.from_existing_remote(source).download_sync(target)
    Path(tempfile.mkdtemp(), "c.txt").write_text(text)
    return Path(target).read_text()


@env.task
def folder(names: list[str]) -> Dir:
    made = tempfile.mkdtemp()
    for name in names:
        Path(made, name).write_text(name)
    return Dir.from_local_sync(made)


@env.task
def listed(folder: Dir) -> int:
    files = folder.list_files_sync()
    return sum(len(Path(file.download_sync()).read_text()) for file in files)


@env.task
def size(path: str) -> int:
    return os.path.getsize("/tmp/flyte_bridge_case_size.txt") if path == "" else len(path)


@driver.task
async def wf(text: str = "text", names: list[str] = ["a", "bb"]) -> tuple[str, int, int]:
    async def run_listed() -> int:
        return await listed.aio(folder=await folder.aio(names=names))

    moved_result, listed_result, size_result = await asyncio.gather(
        moved.aio(text=text), run_listed(), size.aio(path="abc")
    )
    return moved_result, listed_result, size_result


if __name__ == "__main__":
    flyte.init()
    a, b, c = flyte.run(wf).outputs()
    print(a, b, c)
