import flyte

# the big one
# TODO(flyte-bridge FB313): conda_packages=["cudatoolkit"]: conda packages need a pixi project (`.with_pixi_project`) or their equivalents from PyPI
# TODO(flyte-bridge FB313): conda_channels=["nvidia"]: conda channels belong to a pixi project (`.with_pixi_project`)
# TODO(flyte-bridge FB313): cuda="12.1": start from an image that holds CUDA: `flyte.Image.from_base(…).clone(name=…, extendable=True)`
image = flyte.Image.from_debian_base(name="gpu").with_pip_packages("torch", "numpy")
env = flyte.TaskEnvironment(name="by_hand", image=image)


@env.task
def train(n: int) -> int:
    return n
