"""What the tasks run in."""

from flytekit import ImageSpec, Resources

laboratory = ImageSpec(
    name="winery",
    registry="ghcr.io/example",
    python_version="3.11",
    packages=["numpy", "pandas", "pyarrow"],
    apt_packages=["tini"],
    env={"OMP_NUM_THREADS": "1"},
)

small = Resources(cpu="500m", mem="500Mi")
large = Resources(cpu="2", mem="2Gi")

SEED = 7
