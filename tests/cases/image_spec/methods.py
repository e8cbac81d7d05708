from flytekit import ImageSpec, task

base = ImageSpec(name="base", packages=["numpy"])
more = base.with_packages(["pandas", "joblib"]).with_apt_packages("git")
forced = ImageSpec(name="forced", registry="localhost:30000").with_commands(["echo hello"]).force_push()


@task(container_image=more)
def one(n: int) -> int:
    return n


@task(container_image=forced)
def two(n: int) -> int:
    return n


@task(container_image=base.with_copy(["data/table.csv", "assets"]))
def three(n: int) -> int:
    return n
