"""What is marked and left to do by hand."""

from collections import OrderedDict
import flyte

env = flyte.TaskEnvironment(name="marked")

try:
    from flytekit import Artifact

    # TODO(flyte-bridge FB473): Artifact: return flyte.artifacts.new(value, ...) from a task with produces_artifacts=True
    Model = Artifact(name="model")
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    Model = None

try:
    from flytekit.extras.tasks.shell import ShellTask

    # TODO(flyte-bridge FB471): ShellTask: use flyte.extras.shell.create, or subprocess in a task
    shell = ShellTask(name="shell", script="echo {inputs.x}", inputs=OrderedDict(x=str))
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    shell = None

try:
    from flytekit import ContainerTask

    # TODO(flyte-bridge FB471): ContainerTask: use flyte.extras.ContainerTask with TaskEnvironment.from_task
    container = ContainerTask(name="box", image="alpine", inputs=OrderedDict(x=int), command=["echo", "{{.inputs.x}}"])
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    container = None

try:
    from flytekit.sensor.file_sensor import FileSensor

    # TODO(flyte-bridge FB472): FileSensor: poll File.exists in a task with flyte.durable.sleep between
    sensor = FileSensor(name="wait_for_file")
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    sensor = None


try:
    from flytekit.extend import TypeTransformer

    # TODO(flyte-bridge FB474): TypeTransformer: derive from flyte.types.TypeTransformer, whose methods are async
    class MineTransformer(TypeTransformer[int]):
        pass
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    MineTransformer = None


try:
    from flytekit.extend import TypeEngine

    # TODO(flyte-bridge FB474): TypeEngine: flyte.types.TypeEngine, whose methods are async
    TypeEngine.register(MineTransformer())
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    pass


@env.task
def plain(x: int) -> int:
    return x


if __name__ == "__main__":
    from flytekit.remote import FlyteRemote

    # TODO(flyte-bridge FB460): FlyteRemote: use flyte.init_from_config() and flyte.remote, or flyte_bridge.FlyteRemote
    remote = FlyteRemote.for_endpoint("localhost:30080")
    print(remote.fetch_task(name="plain"))
