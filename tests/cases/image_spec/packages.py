from flytekit import ImageSpec, task, workflow

COMMON = ["pandas", "pyarrow"]

image = ImageSpec(
    name="Trainer",
    registry="ghcr.io/example",
    python_version="3.11",
    packages=["scikit-learn==1.5.0", "flytekit>=1.10", "flytekitplugins-deck-standard", "flytekitplugins-spark"],
    apt_packages=["git", "libgomp1"],
    env={"OMP_NUM_THREADS": "1"},
    commands=["echo ready"],
    pip_index="https://pypi.example.com/simple",
    pip_extra_index_url=["https://more.example.com/simple"],
    platform="linux/amd64,linux/arm64",
)
common = ImageSpec(packages=COMMON)
more = ImageSpec(packages=COMMON + ["joblib"], requirements="requirements.txt")


@task(container_image=image)
def fit(n: int) -> int:
    return n


@task(container_image=common)
def load(n: int) -> int:
    return n


@task(container_image=more)
def store(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return store(n=fit(n=load(n=n)))
