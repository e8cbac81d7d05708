import flyte

env = flyte.TaskEnvironment(name="gpus", resources=flyte.Resources(gpu=1))
t4_env = flyte.TaskEnvironment(name="gpus-t4", resources=flyte.Resources(memory="16Gi", gpu="T4:1"))
l40s_env = flyte.TaskEnvironment(name="gpus-l40s", resources=flyte.Resources(gpu="L40s:2", shm="auto"))
slice_of_a100_env = flyte.TaskEnvironment(
    name="gpus-slice-of-a100",
    resources=flyte.Resources(gpu=flyte.GPU("A100", quantity=1, partition="1g.5gb"), shm="2Gi"),
)
unnamed_env = flyte.TaskEnvironment(
    name="gpus-unnamed",
    resources=flyte.Resources(gpu=flyte.Device(quantity=1, device_class="GPU", device="nvidia-tesla-k80")),
)
h100_env = flyte.TaskEnvironment(name="gpus-h100", resources=flyte.Resources(gpu="H100:8"))
tpu_env = flyte.TaskEnvironment(name="gpus-tpu", resources=flyte.Resources(gpu=flyte.TPU("V5E", partition="2x2")))
labelled_env = flyte.TaskEnvironment(
    name="gpus-labelled",
    resources=flyte.Resources(gpu=flyte.Device(quantity=1, device_class="GPU", device="nvidia-tesla-x9")),
)
more_env = flyte.TaskEnvironment(name="gpus-more", resources=flyte.Resources(gpu=2))
driver = flyte.TaskEnvironment(
    name="gpus-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, t4_env, l40s_env, slice_of_a100_env, unnamed_env, h100_env, tpu_env, labelled_env, more_env],
)


@env.task
def any_gpu(n: int) -> int:
    return n


@t4_env.task
def t4(n: int) -> int:
    return n


@l40s_env.task
def l40s(n: int) -> int:
    return n


@slice_of_a100_env.task
def slice_of_a100(n: int) -> int:
    return n


@unnamed_env.task
def unnamed(n: int) -> int:
    return n


@h100_env.task
def h100(n: int) -> int:
    return n


@tpu_env.task
def tpu(n: int) -> int:
    return n


@labelled_env.task
def labelled(n: int) -> int:
    return n


@more_env.task
def more(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await more.aio(
        n=await labelled.aio(n=await tpu.aio(n=await h100.aio(n=await unnamed.aio(n=await slice_of_a100.aio(n=await l40s.aio(n=await t4.aio(n=await any_gpu.aio(n=n)))))))),
    )
