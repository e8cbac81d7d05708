from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
from dataclasses_json import dataclass_json
from flytekit import ImageSpec, Resources, task, workflow

if TYPE_CHECKING:
    import aiohttp

own = ImageSpec(name="own", packages=["pandas", "requests==2.32.0"])
ready = "ghcr.io/team/ready:1"


@dataclass_json
@dataclass
class Point:
    x: int = 0


@task
def plain(x: int) -> Point:
    return Point(x=x)


@task(requests=Resources(cpu="2"))
def bigger(p: Point) -> int:
    from dateutil.parser import parse

    return p.x + parse("2024-01-02").day


@task(container_image=own)
def with_image(p: Point) -> str:
    return requests.__name__


@task(container_image=ready)
def ready_made(p: Point) -> int:
    return p.x


@workflow
def wf(x: int = 1) -> int:
    p = plain(x=x)
    return bigger(p=p)
