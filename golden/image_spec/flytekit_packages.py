from dataclasses import dataclass
from typing import TYPE_CHECKING

import flyte
import requests
from dataclasses_json import dataclass_json

if TYPE_CHECKING:
    import aiohttp

own = flyte.Image.from_debian_base(name="own").with_pip_packages(
    "pandas", "requests==2.32.0"
)
ready = "ghcr.io/team/ready:1"
env = flyte.TaskEnvironment(
    name="flytekit_packages",
    image=flyte.Image.from_debian_base().with_pip_packages(
        "dataclasses-json", "python-dateutil", "requests"
    ),
)
bigger_env = flyte.TaskEnvironment(
    name="flytekit_packages-bigger", image=env.image, resources=flyte.Resources(cpu="2")
)
with_image_env = flyte.TaskEnvironment(
    name="flytekit_packages-with-image",
    image=own.with_pip_packages("dataclasses-json", "python-dateutil"),
)
ready_made_env = flyte.TaskEnvironment(name="flytekit_packages-ready-made", image=ready)
driver = flyte.TaskEnvironment(
    name="flytekit_packages-workflows",
    image=env.image,
    resources=flyte.Resources(cpu=1, memory="500Mi"),
    depends_on=[env, bigger_env],
)


@dataclass_json
@dataclass
class Point:
    x: int = 0


@env.task
def plain(x: int) -> Point:
    return Point(x=x)


@bigger_env.task
def bigger(p: Point) -> int:
    from dateutil.parser import parse

    return p.x + parse("2024-01-02").day


@with_image_env.task
def with_image(p: Point) -> str:
    return requests.__name__


@ready_made_env.task
def ready_made(p: Point) -> int:
    return p.x


@driver.task
async def wf(x: int = 1) -> int:
    p = await plain.aio(x=x)
    return await bigger.aio(p=p)
