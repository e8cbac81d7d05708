"""What is marked and left to do by hand."""

from flytekit import Artifact, ContainerTask, kwtypes, task, workflow
from flytekit.extend import TypeEngine, TypeTransformer
from flytekit.extras.tasks.shell import OutputLocation, ShellTask
from flytekit.remote import FlyteRemote
from flytekit.sensor.file_sensor import FileSensor

Model = Artifact(name="model")

shell = ShellTask(name="shell", script="echo {inputs.x}", inputs=kwtypes(x=str))

container = ContainerTask(name="box", image="alpine", inputs=kwtypes(x=int), command=["echo", "{{.inputs.x}}"])

sensor = FileSensor(name="wait_for_file")


class MineTransformer(TypeTransformer[int]):
    pass


TypeEngine.register(MineTransformer())


@task
def plain(x: int) -> int:
    return x


if __name__ == "__main__":
    remote = FlyteRemote.for_endpoint("localhost:30080")
    print(remote.fetch_task(name="plain"))
