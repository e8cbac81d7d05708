import contextlib
import flyte

image = flyte.Image.from_debian_base().with_pip_packages("numpy")

with contextlib.suppress(ImportError):
    import json
    from math import sqrt

env = flyte.TaskEnvironment(name="guards", image=image)
driver = flyte.TaskEnvironment(
    name="guards-workflows",
    image=image,
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env],
)


@env.task
def root(x: float) -> str:
    return json.dumps(sqrt(x))


@driver.task
async def wf(x: float = 9.0) -> str:
    return await root.aio(x=x)
