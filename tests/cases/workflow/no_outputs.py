"""Workflows and tasks without outputs, positional arguments, an empty workflow."""

import flytekit as fk
from flytekit.core.task import task
from flytekit.core.workflow import workflow as wf


@task
def note(text: str, times: int = 1) -> None:
    print(text * times)


@fk.task
def number() -> int:
    return 3


@wf
def notes() -> None:
    """Two notes that do not wait for each other."""
    note(text="a")
    note(text="b", times=number())


@wf
def nothing():
    pass


@fk.workflow
def only_doc(x: int = 1) -> int:
    """Gives its input back."""
    return x
