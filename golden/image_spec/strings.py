import flyte

IMAGE = "ghcr.io/example/trainer:2.1"
env = flyte.TaskEnvironment(name="strings", image=IMAGE)
default_env = flyte.TaskEnvironment(
    name="strings-default", image=flyte.Image.from_ref_name("default")
)
tagged_env = flyte.TaskEnvironment(
    name="strings-tagged", image=flyte.Image.from_ref_name("gpu")
)
computed_env = flyte.TaskEnvironment(
    name="strings-computed", image=f"ghcr.io/example/{'trainer'}:latest"
)


@env.task
def named(n: int) -> int:
    return n


@default_env.task
def default(n: int) -> int:
    return n


@tagged_env.task
def tagged(n: int) -> int:
    return n


@computed_env.task
def computed(n: int) -> int:
    return n
