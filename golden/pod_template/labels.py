import dataclasses
import flyte

env = flyte.TaskEnvironment(name="labels")
driver = flyte.TaskEnvironment(
    name="labels-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)

quiet = flyte.PodTemplate(labels={"noise": "low"})


@env.task(
    pod_template=flyte.PodTemplate(
        labels={"team": "wine"}, annotations={"owner": "cellar"}
    ),
)
def labelled(n: int) -> int:
    return n


@env.task(pod_template=dataclasses.replace(quiet, annotations={"owner": "cellar"}))
def more(n: int) -> int:
    return n


@env.task(
    pod_template=flyte.PodTemplate(
        primary_container_name="main", labels={"team": "wine"}
    ),
)
def inline(n: int) -> int:
    return n


@driver.task
async def wf(n: int = 1) -> int:
    return await inline.aio(n=await more.aio(n=await labelled.aio(n=n)))
