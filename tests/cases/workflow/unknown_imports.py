"""A function from a module that is not converted along (it might be a task), and one of Python's own."""

from json import dumps

from flytekit import task, workflow
from torch.hub import load


@task
def show(text: str) -> str:
    return text


@workflow
def mixed(x: str = "repo") -> str:
    prepared = load(github=x)
    text = dumps(obj={"a": 1})
    return show(text=text)
