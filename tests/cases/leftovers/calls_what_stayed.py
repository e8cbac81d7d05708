"""What stays Flyte 1's and is called while the module is imported: the rest of it works without flytekit all the same."""

from flytekit import task, workflow
from flytekit.sensor.base_sensor import BaseSensor


class Ready(BaseSensor):
    def __init__(self, name: str):
        super().__init__(name=name)

    async def poke(self, path: str) -> bool:
        return True


def made(name: str) -> Ready:
    return Ready(name)


def shouted(name: str) -> str:
    return BaseSensor.__name__ + name


ready = Ready("ready")
again = made("again")
first = [ready, again][0]
title = shouted("title")


@task
def one() -> int:
    return 1


@workflow
def wf() -> int:
    return one()
