"""Text where a file is wanted: defaults, literals, remote files."""

import asyncio
from typing import Optional

import flyte
from flyte.io import Dir, File

env = flyte.TaskEnvironment(name="defaults")
driver = flyte.TaskEnvironment(
    name="defaults-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

BUCKET = "s3://bucket/data"


@env.task
def remote(uri: str) -> File:
    return File.from_existing_remote(uri)


@env.task
def constant() -> File:
    return File.from_existing_remote(f"{BUCKET}/x.csv")


@env.task
def unknown(path: str) -> File:
    return File.from_local_sync(path)


@env.task
def elsewhere(target: str) -> File:
    with open("/tmp/flyte_bridge_case_out.txt", "w") as out:
        out.write("x")
    return File.from_local_sync("/tmp/flyte_bridge_case_out.txt", remote_destination=target)


@env.task
def source(file: File = File.from_existing_remote("s3://bucket/default.csv"), folder: Optional[Dir] = None) -> str:
    return file.path


@driver.task
async def wf(file: File = File.from_existing_remote("s3://bucket/data.csv"), local: File = File.from_existing_remote("data/local.csv")) -> str:
    _, _, source_result = await asyncio.gather(
        source.aio(file=file),
        source.aio(file=local),
        source.aio(file=File.from_existing_remote("https://example.com/a.csv")),
    )
    return source_result
