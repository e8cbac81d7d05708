"""What is marked and left to do by hand."""

import subprocess
import time
import flyte
import flyte.extras
from flyte.io import File

env = flyte.TaskEnvironment(name="marked")

try:
    from flytekit import Artifact

    # TODO(flyte-bridge FB473): Artifact: return flyte.artifacts.new(value, ...) from a task with produces_artifacts=True
    Model = Artifact(name="model")
except Exception:  # Flyte 1 is not installed, or refuses what is Flyte 2's
    Model = None


@env.task
def shell(x: str) -> None:
    script = f"echo {x}"
    subprocess.run(["/bin/sh", "-c", script], check=True)

container = flyte.extras.ContainerTask(name="box", image="alpine", command=["echo", "{{.inputs.x}}"], inputs={"x": int})
container_env = flyte.TaskEnvironment.from_task("marked-container", container)


@env.task
def sensor(path: str) -> None:
    while not File.from_existing_remote(path).exists_sync():
        time.sleep(10)


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
