"""References whose target is in the same project, and one of a workflow, as a module's attribute."""

import flyte
import flyte.remote

env = flyte.TaskEnvironment(name="known_here")
driver = flyte.TaskEnvironment(
    name="known_here-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"), depends_on=[env]
)


@env.task
def count(bottles: int) -> int:
    return bottles + 1


# what another team calls
# TODO(flyte-bridge FB351): counted was known_here.count in Flyte 1: say which version of known_here.count is meant
counted = flyte.remote.Task.get("known_here.count", project="wine", domain="production", version="v1")


# TODO(flyte-bridge FB351): nightly refers to "cellar.nightly" of Flyte 1: say what it is called in Flyte 2, and its version
nightly = flyte.remote.Task.get("cellar.nightly", project="wine", domain="production", version="v2")


@driver.task
async def wf(n: int = 1) -> int:
    return await nightly(n=await counted(bottles=await count.aio(bottles=n)))
