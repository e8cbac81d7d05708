from flytekit import Resources, task, workflow
from flytekit.extras.accelerators import A100, H100, K80, L40S, T4, V5E, GPUAccelerator


@task(requests=Resources(gpu="1"))
def any_gpu(n: int) -> int:
    return n


@task(requests=Resources(gpu="1", mem="16Gi"), accelerator=T4)
def t4(n: int) -> int:
    return n


@task(limits=Resources(gpu=2), accelerator=L40S, shared_memory=True)
def l40s(n: int) -> int:
    return n


@task(requests=Resources(gpu="1"), accelerator=A100.partition_1g_5gb, shared_memory="2Gi")
def slice_of_a100(n: int) -> int:
    return n


@task(requests=Resources(gpu="1"), accelerator=K80)
def unnamed(n: int) -> int:
    return n


@task(requests=Resources(gpu="8"), accelerator=H100)
def h100(n: int) -> int:
    return n


@task(accelerator=V5E.slice_2x2)
def tpu(n: int) -> int:
    return n


@task(requests=Resources(gpu="1"), accelerator=GPUAccelerator("nvidia-tesla-x9"))
def labelled(n: int) -> int:
    return n


@task(requests=Resources(gpu="1"), limits=Resources(gpu="2"))
def more(n: int) -> int:
    return n


@workflow
def wf(n: int = 1) -> int:
    return more(n=labelled(n=tpu(n=h100(n=unnamed(n=slice_of_a100(n=l40s(n=t4(n=any_gpu(n=n)))))))))
