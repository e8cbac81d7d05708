from flytekit import ImageSpec, task

uv = ImageSpec(name="uv", requirements="uv.lock")
poetry = ImageSpec(name="poetry", requirements="poetry.lock")
pinned = ImageSpec(name="pinned", requirements="requirements/prod.txt", python_version="3.12")


@task(container_image=uv)
def one() -> int:
    return 1


@task(container_image=poetry)
def two() -> int:
    return 2


@task(container_image=pinned)
def three() -> int:
    return 3
