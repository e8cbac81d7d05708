"""A file whose tasks are all elsewhere."""

import flyte

driver = flyte.TaskEnvironment(
    name="only_workflows_here-workflows",
    resources=flyte.Resources(cpu=1, memory="500Mi"),
)


@driver.task
async def nothing() -> None:
    """Does nothing yet."""
