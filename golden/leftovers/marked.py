"""What is marked and left to do by hand."""

from collections import OrderedDict
import flyte

from flytekit import Artifact, ContainerTask
from flytekit.extend import TypeEngine, TypeTransformer
from flytekit.extras.tasks.shell import ShellTask
from flytekit.remote import FlyteRemote
from flytekit.sensor.file_sensor import FileSensor

env = flyte.TaskEnvironment(name="marked")

# TODO(flyte-bridge FB473): Artifact: return flyte.artifacts.new(value, ...) from a task with produces_artifacts=True
Model = Artifact(name="model")

# TODO(flyte-bridge FB471): ShellTask: use flyte.extras.shell.create, or subprocess in a task
shell = ShellTask(name="shell", script="echo {inputs.x}", inputs=OrderedDict(x=str))

# TODO(flyte-bridge FB471): ContainerTask: use flyte.extras.ContainerTask with TaskEnvironment.from_task
container = ContainerTask(name="box", image="alpine", inputs=OrderedDict(x=int), command=["echo", "{{.inputs.x}}"])

# TODO(flyte-bridge FB472): FileSensor: poll File.exists in a task with flyte.durable.sleep between
sensor = FileSensor(name="wait_for_file")


# TODO(flyte-bridge FB474): TypeTransformer: derive from flyte.types.TypeTransformer, whose methods are async
class MineTransformer(TypeTransformer[int]):
    pass


# TODO(flyte-bridge FB474): TypeEngine: flyte.types.TypeEngine, whose methods are async
TypeEngine.register(MineTransformer())


@env.task
def plain(x: int) -> int:
    return x


if __name__ == "__main__":
    # TODO(flyte-bridge FB460): FlyteRemote: use flyte.init_from_config() and flyte.remote, or flyte_bridge.FlyteRemote
    remote = FlyteRemote.for_endpoint("localhost:30080")
    print(remote.fetch_task(name="plain"))
