import pathlib
import flyte

base = flyte.Image.from_debian_base(name="base").with_pip_packages("numpy")
more = base.with_pip_packages("pandas", "joblib").with_apt_packages("git")
forced = flyte.Image.from_debian_base(name="forced", registry="localhost:30000").with_commands(["echo hello"])
env = flyte.TaskEnvironment(name="methods", image=more)
two_env = flyte.TaskEnvironment(name="methods-two", image=forced)
three_env = flyte.TaskEnvironment(
    name="methods-three",
    image=(
        base
        .with_source_file(pathlib.Path("data/table.csv"), dst="./data")
        .with_source_folder(pathlib.Path("assets"))
    ),
)


@env.task
def one(n: int) -> int:
    return n


@two_env.task
def two(n: int) -> int:
    return n


@three_env.task
def three(n: int) -> int:
    return n
