"""Attributes and indexes of dataclass, list and dict results stay what they are."""

from dataclasses import dataclass
from typing import Dict, List, Tuple

from flytekit import task, workflow


@dataclass
class Settings:
    depth: int
    names: List[str]


@task
def settings(depth: int) -> Settings:
    return Settings(depth=depth, names=["a", "b"])


@task
def table() -> Dict[str, List[int]]:
    return {"rows": [1, 2, 3]}


@task
def pair() -> Tuple[int, str]:
    return 7, "seven"


@task
def show(depth: int, name: str, row: int) -> str:
    return f"{depth} {name} {row}"


@workflow
def parts() -> str:
    chosen = settings(depth=3)
    rows = table()
    return show(depth=chosen.depth, name=chosen.names[1], row=rows["rows"][2])


@workflow
def unpacked() -> str:
    number, word = pair()
    return show(depth=number, name=word, row=0)
