"""A method and an attribute called like Flyte's decorators."""

from flytekit import task, workflow


class Board:
    def __init__(self) -> None:
        self.workflow = "wf"

    def task(self, name: str) -> str:
        return f"{self.workflow}: {name}"


@task
def note(name: str) -> str:
    return Board().task(name)


@workflow
def wf(name: str = "clean") -> str:
    return note(name=name)
