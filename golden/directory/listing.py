"""Directories that are filled, listed, walked and taken apart."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import List, Tuple

import flyte
from flyte.io import Dir, File

env = flyte.TaskEnvironment(name="listing")
driver = flyte.TaskEnvironment(
    name="listing-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def fill(names: List[str]) -> Dir:
    folder = tempfile.mkdtemp()
    for name in names:
        Path(folder, name).write_text(name)
    return Dir.from_local_sync(folder)


@env.task
def fill_remote(names: List[str]) -> Dir:
    folder = tempfile.mkdtemp()
    for name in names:
        file = os.path.join(folder, name)
        with open(file, "w") as out:
            out.write(name * 2)
    return Dir.from_local_sync(folder)


@env.task
def names(folder: Dir) -> List[str]:
    return sorted(os.listdir(folder.download_sync()))


@env.task
def contents(folder: Dir) -> str:
    folder_path = folder.download_sync()
    read = []
    for name in sorted(os.listdir(folder_path)):
        with open(os.path.join(folder_path, name)) as lines:
            read.append(lines.read())
    return " ".join(read)


@env.task
def walked(folder: Dir) -> List[str]:
    folder.download_sync()
    return sorted(relative for _, relative in ((folder.path, os.path.relpath(file.path, folder.path)) for file in folder.walk_sync()))


@env.task
def first(folder: Dir) -> File:
    local = folder.download_sync()
    return File.from_local_sync(os.path.join(local, sorted(os.listdir(local))[0]))


@env.task
def read(file: File) -> str:
    return Path(file.download_sync()).read_text()


@driver.task
async def wf(files: List[str] = ["b.txt", "a.txt"]) -> Tuple[List[str], str, List[str], str]:
    async def run_read() -> tuple[List[str], List[str], str]:
        folder = await fill.aio(names=files)

        async def run_read_2() -> str:
            return await read.aio(file=await first.aio(folder=folder))

        names_result, walked_result, read_result = await asyncio.gather(
            names.aio(folder=folder), walked.aio(folder=folder), run_read_2()
        )
        return names_result, walked_result, read_result

    async def run_contents() -> str:
        remote = await fill_remote.aio(names=files)
        return await contents.aio(folder=remote)

    (names_result, walked_result, read_result), contents_result = await asyncio.gather(run_read(), run_contents())
    return names_result, contents_result, walked_result, read_result


if __name__ == "__main__":
    flyte.init()
    a, b, c, d = flyte.run(wf).outputs()
    print(a, b, c, d)
