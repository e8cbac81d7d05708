"""Container tasks: types, templates of both spellings, settings, an image of an ImageSpec, and a workflow that stands above them."""

import flyte
import flyte.extras
from flyte.io import File

env = flyte.TaskEnvironment(name="container_task")
driver = flyte.TaskEnvironment(
    name="container_task-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)

# the shell computes it
square = flyte.extras.ContainerTask(
    name="square",
    image="alpine:3.20",
    command=["sh", "-c", "echo $(( {{.inputs.val}} * {{.inputs.val}} )) > /var/outputs/out"],
    inputs={"val": int},
    outputs={"out": int},
    input_data_dir="/var/inputs",
    output_data_dir="/var/outputs",
    resources=flyte.Resources(cpu="1", memory="200Mi"),
    env_vars={"LANG": "C"},
    cache=flyte.Cache("auto", version_override="1"),
    retries=2,
)
square_env = flyte.TaskEnvironment.from_task("container_task-square", square)
driver.add_dependency(square_env)


@env.task
def increased(value: int) -> int:
    return value + 1


@driver.task
async def wf(value: int = 3) -> int:
    return await increased.aio(value=await square.aio(val=value))


tools = flyte.Image.from_debian_base(name="tools", registry="ghcr.io/example").with_pip_packages("csvkit")

count = flyte.extras.ContainerTask(
    name="count",
    image=tools,
    command=["sh", "-c", "wc -l < /var/inputs/rows > /var/outputs/lines"],
    inputs={"rows": File},
    outputs={"lines": int},
    input_data_dir="/var/inputs",
    output_data_dir="/var/outputs",
    metadata_format="YAML",
)
count_env = flyte.TaskEnvironment.from_task("container_task-count", count)
driver.add_dependency(count_env)


@driver.task
async def counted(rows: File) -> int:
    return await count.aio(rows=rows)
