import flyte

env = flyte.TaskEnvironment(name="inputs")
driver = flyte.TaskEnvironment(
    name="inputs-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


# TODO(flyte-bridge FB257): the input obj of count: `flyte.run` cannot give it
# TODO(flyte-bridge FB257): the input func of count: a task that is not async cannot be called with it
@env.task
def count(obj: str, func: str, name: str) -> int:
    return len(obj) + len(func) + len(name)


# TODO(flyte-bridge FB257): the input task of wf: `flyte.run` cannot give it
@driver.task
async def wf(task: str = "a", context: str = "b") -> int:
    return await count.aio(obj=task, func=context, name="c")


def plain(obj: str) -> str:
    return obj
