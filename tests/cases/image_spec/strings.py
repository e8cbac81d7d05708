from flytekit import task

IMAGE = "ghcr.io/example/trainer:2.1"


@task(container_image=IMAGE)
def named(n: int) -> int:
    return n


@task(container_image="{{.image.default.fqn}}:{{.image.default.version}}")
def default(n: int) -> int:
    return n


@task(container_image="{{.image.gpu.fqn}}:gpu-{{.image.default.version}}")
def tagged(n: int) -> int:
    return n


@task(container_image=f"ghcr.io/example/{'trainer'}:latest")
def computed(n: int) -> int:
    return n
