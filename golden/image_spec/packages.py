import flyte

COMMON = ["pandas", "pyarrow"]

image = (
    flyte.Image.from_debian_base(
        name="trainer",
        registry="ghcr.io/example",
        python_version=(3, 11),
        platform=("linux/amd64", "linux/arm64"),
    )
    .with_apt_packages("git", "libgomp1")
    .with_pip_packages(
        "scikit-learn==1.5.0",
        "flyteplugins-spark",
        index_url="https://pypi.example.com/simple",
        extra_index_urls=["https://more.example.com/simple"],
    )
    .with_env_vars({"OMP_NUM_THREADS": "1"})
    .with_commands(["echo ready"])
)
common = flyte.Image.from_debian_base().with_pip_packages(*COMMON)
more = flyte.Image.from_debian_base().with_requirements("requirements.txt").with_pip_packages(*(COMMON + ["joblib"]))
env = flyte.TaskEnvironment(name="packages", image=image)
load_env = flyte.TaskEnvironment(name="packages-load", image=common)
store_env = flyte.TaskEnvironment(name="packages-store", image=more)
driver = flyte.TaskEnvironment(
    name="packages-workflows",
    image=image,
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, load_env, store_env],
)


@env.task
def fit(n: int) -> int:
    return n


@load_env.task
def load(n: int) -> int:
    return n


@store_env.task
def store(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await store.aio(n=await fit.aio(n=await load.aio(n=n)))
