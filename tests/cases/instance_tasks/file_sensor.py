"""A sensor that waits for a file becomes a task that looks for it."""

from flytekit import task, workflow
from flytekit.sensor.file_sensor import FileSensor

sensor = FileSensor(name="arrived")


@task
def load() -> int:
    return 1


@workflow
def wf(path: str = __file__) -> int:
    there = sensor(path=path)
    loaded = load()
    there >> loaded
    return loaded
