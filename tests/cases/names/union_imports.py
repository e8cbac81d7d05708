# verify: no, the union SDK is not installed here
import union
from union import Resources, task


@task(requests=Resources(cpu="2"))
def double(x: int) -> int:
    return 2 * x


@union.workflow
def wf(x: int = 4) -> int:
    return double(x=x)
