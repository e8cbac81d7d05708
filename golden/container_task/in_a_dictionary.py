"""Container tasks that no variable of the module holds are converted, and their environment is left to do."""

import flyte
import flyte.extras

driver = flyte.TaskEnvironment(name="in_a_dictionary-workflows", resources=flyte.Resources(cpu=1, memory="500Mi"))

# TODO(flyte-bridge FB471): ContainerTask: it needs an environment, `flyte.TaskEnvironment.from_task`, on which its callers depend
TOOLS = {"echo": flyte.extras.ContainerTask(name="echo", image="alpine:3.20", command=["echo", "hello"])}


@driver.task
async def wf():
    TOOLS["echo"]()
