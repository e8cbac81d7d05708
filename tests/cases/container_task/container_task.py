"""Container tasks: types, templates of both spellings, settings, an image of an ImageSpec, and a workflow that stands above them."""

from flytekit import ContainerTask, ImageSpec, Resources, TaskMetadata, kwtypes, task, workflow
from flytekit.types.file import FlyteFile

square = ContainerTask(
    name="square",
    input_data_dir="/var/inputs",
    output_data_dir="/var/outputs",
    inputs=kwtypes(val=int),
    outputs=kwtypes(out=int),
    image="alpine:3.20",
    # the shell computes it
    command=["sh", "-c", "echo $(( {{.Inputs.val}} * {{ .inputs.val }} )) > /var/outputs/out"],
    requests=Resources(cpu="1", mem="200Mi"),
    environment={"LANG": "C"},
    metadata=TaskMetadata(cache=True, cache_version="1", retries=2),
)


@task
def increased(value: int) -> int:
    return value + 1


@workflow
def wf(value: int = 3) -> int:
    return increased(value=square(val=value))


tools = ImageSpec(name="tools", registry="ghcr.io/example", packages=["csvkit"])

count = ContainerTask(
    "count",
    tools,
    ["sh", "-c", "wc -l < /var/inputs/rows > /var/outputs/lines"],
    inputs={"rows": FlyteFile},
    outputs={"lines": int},
    input_data_dir="/var/inputs",
    output_data_dir="/var/outputs",
    metadata_format=ContainerTask.MetadataFormat.YAML,
)


@workflow
def counted(rows: FlyteFile) -> int:
    return count(rows=rows)
