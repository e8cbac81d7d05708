"""Paths that are put into the fields of a dataclass after it was made."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, List, Optional

from flytekit import task, workflow
from flytekit.types.file import FlyteFile


@dataclass
class Batch:
    first: FlyteFile
    second: Optional[FlyteFile] = None
    every: List[FlyteFile] = field(default_factory=list)
    named: Dict[str, FlyteFile] = field(default_factory=dict)


def written(name: str) -> str:
    Path(name).write_text(name)
    return name


@task
def collect() -> Batch:
    path = written("first.txt")
    batch = Batch(first=path)
    batch.second = path
    batch.every.append(path)
    batch.named["a"] = path
    return replace(batch, first=written("other.txt"))


@task
def read(batch: Batch) -> str:
    every = [batch.first, batch.second, *batch.every, *batch.named.values()]
    return " ".join(Path(each.download()).read_text() for each in every)


@workflow
def wf() -> str:
    return read(batch=collect())
