import flyte

base = (
    flyte.Image.from_base("ghcr.io/example/base:1.0")
    .clone(name="derived", extendable=True)
    .with_pip_packages("joblib")
)
child = base.with_apt_packages("curl").with_pip_packages("requests")
ready = flyte.Image.from_base("ghcr.io/example/ready:2.0")
env = flyte.TaskEnvironment(name="bases", image=base)
two_env = flyte.TaskEnvironment(name="bases-two", image=child)
three_env = flyte.TaskEnvironment(name="bases-three", image=ready)


@env.task
def one(n: int) -> int:
    return n


@two_env.task
def two(n: int) -> int:
    return n


@three_env.task
def three(n: int) -> int:
    return n
