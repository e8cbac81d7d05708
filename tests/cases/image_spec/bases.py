from flytekit import ImageSpec, task

base = ImageSpec(base_image="ghcr.io/example/base:1.0", name="derived", packages=["joblib"])
child = ImageSpec(base_image=base, packages=["requests"], apt_packages=["curl"])
ready = ImageSpec(base_image="ghcr.io/example/ready:2.0", builder="noop")


@task(container_image=base)
def one(n: int) -> int:
    return n


@task(container_image=child)
def two(n: int) -> int:
    return n


@task(container_image=ready)
def three(n: int) -> int:
    return n
