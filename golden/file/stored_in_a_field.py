"""Paths that are put into the fields of a dataclass after it was made."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, List, Optional

import flyte
from flyte.io import File

env = flyte.TaskEnvironment(name="stored_in_a_field")
driver = flyte.TaskEnvironment(
    name="stored_in_a_field-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@dataclass
class Batch:
    first: File
    second: Optional[File] = None
    every: List[File] = field(default_factory=list)
    named: Dict[str, File] = field(default_factory=dict)


def written(name: str) -> str:
    Path(name).write_text(name)
    return name


@env.task
def collect() -> Batch:
    path = written("first.txt")
    batch = Batch(first=File.from_local_sync(path))
    batch.second = File.from_local_sync(path)
    batch.every.append(File.from_local_sync(path))
    batch.named["a"] = File.from_local_sync(path)
    return replace(batch, first=File.from_local_sync(written("other.txt")))


@env.task
def read(batch: Batch) -> str:
    every = [batch.first, batch.second, *batch.every, *batch.named.values()]
    return " ".join(Path(each.download_sync()).read_text() for each in every)


@driver.task
async def wf() -> str:
    return await read.aio(batch=await collect.aio())
