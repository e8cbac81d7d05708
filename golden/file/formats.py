"""Formats, aliases and string annotations."""

from __future__ import annotations

import asyncio
import csv
import tempfile
from typing import Optional

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="formats")
driver = flyte.TaskEnvironment(
    name="formats-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

Table = File


def place(name: str) -> str:
    return f"{tempfile.mkdtemp()}/{name}"


@env.task
def table(rows: int) -> File:
    path = place("table.csv")
    with open(path, "w") as out:
        csv.writer(out).writerows([row, row * row] for row in range(rows))
    return File.from_local_sync(path)


@env.task
def archive(table: Table) -> File:
    path = place("table.tar.gz")
    with open(path, "wb") as out, open(table.download_sync(), "rb") as data:
        out.write(data.read())
    return File.from_local_sync(path)


@env.task
def picture() -> "File":
    path = place("picture.jpeg")
    with open(path, "wb") as out:
        out.write(b"\xff\xd8\xff")
    return File.from_local_sync(path)


@env.task
def sizes(table: File, archive: File, picture: Optional["File"] = None) -> int:
    total = 0
    for file in (table, archive):
        total += len(open(file.download_sync(), "rb").read())
    if picture is not None:
        total += len(open(picture.download_sync(), "rb").read())
    return total


@driver.task
async def wf(rows: int = 3) -> int:
    async def run_archive():
        made = await table.aio(rows=rows)
        archive_result = await archive.aio(table=made)
        return made, archive_result

    (made, archive_result), picture_result = await asyncio.gather(run_archive(), picture.aio())
    return await sizes.aio(table=made, archive=archive_result, picture=picture_result)


if __name__ == "__main__":
    flyte.init()
    print(flyte.run(wf, rows=4).outputs()[0])
