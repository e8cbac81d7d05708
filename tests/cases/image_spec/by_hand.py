import os

from flytekit import ImageSpec, task

image = ImageSpec(
    name="gpu",
    conda_packages=["cudatoolkit"],
    conda_channels=["nvidia"],
    cuda="12.1",
    builder="envd",
    source_root=os.path.dirname(__file__),
    tag_format="{spec_hash}-dev",
    packages=[
        "torch",  # the big one
        "numpy",
    ],
)


@task(container_image=image)
def train(n: int) -> int:
    return n
