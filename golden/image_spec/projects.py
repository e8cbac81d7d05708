import flyte

uv = flyte.Image.from_debian_base(name="uv").with_uv_project("pyproject.toml")
poetry = flyte.Image.from_debian_base(name="poetry").with_poetry_project("pyproject.toml")
pinned = flyte.Image.from_debian_base(name="pinned", python_version=(3, 12)).with_requirements("requirements/prod.txt")
env = flyte.TaskEnvironment(name="projects", image=uv)
two_env = flyte.TaskEnvironment(name="projects-two", image=poetry)
three_env = flyte.TaskEnvironment(name="projects-three", image=pinned)


@env.task
def one() -> int:
    return 1


@two_env.task
def two() -> int:
    return 2


@three_env.task
def three() -> int:
    return 3
