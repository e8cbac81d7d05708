from flytekit import Resources, task, workflow
from flytekit.extras.accelerators import L4

GPUS = "2"
gpu_box = Resources(cpu="4", mem="16Gi", gpu=GPUS)
pair = Resources(cpu=("1", "2"), mem="1Gi")


@task(requests=gpu_box, accelerator=L4)
def train(n: int) -> int:
    return n


@task(resources=pair)
def prepare(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return train(n=prepare(n=n))
