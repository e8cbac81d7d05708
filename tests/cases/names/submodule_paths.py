from flytekit.core.task import task
from flytekit.core.workflow import workflow
import flytekit.core.resources


@task(requests=flytekit.core.resources.Resources(cpu="1", mem="256Mi"))
def double(x: int) -> int:
    return 2 * x


@workflow
def wf(x: int = 4) -> int:
    return double(x=x)
