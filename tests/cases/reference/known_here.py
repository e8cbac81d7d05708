"""References whose target is in the same project, and one of a workflow, as a module's attribute."""

import flytekit
from flytekit import task, workflow


@task
def count(bottles: int) -> int:
    return bottles + 1


# what another team calls
@flytekit.reference_task(project="wine", domain="production", name="known_here.count", version="v1")
def counted(bottles: int) -> int: ...


@flytekit.reference_workflow("wine", "production", "cellar.nightly", "v2")
def nightly(n: int) -> int: ...


@workflow
def wf(n: int = 1) -> int:
    return nightly(n=counted(bottles=count(bottles=n)))
