import flyte

GPUS = "2"
gpu_box = flyte.Resources(cpu="4", memory="16Gi", gpu=int(GPUS))
pair = flyte.Resources(cpu=("1", "2"), memory="1Gi")
env = flyte.TaskEnvironment(
    name="by_name",
    resources=flyte.Resources(
        cpu=gpu_box.cpu, memory=gpu_box.memory, gpu=f"L4:{gpu_box.gpu}"
    ),
)
prepare_env = flyte.TaskEnvironment(name="by_name-prepare", resources=pair)
driver = flyte.TaskEnvironment(
    name="by_name-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, prepare_env],
)


@env.task
def train(n: int) -> int:
    return n


@prepare_env.task
def prepare(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await train.aio(n=await prepare.aio(n=n))
