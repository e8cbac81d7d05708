import flyte
from flyteplugins.pytorch import Elastic

two_nodes = Elastic(nnodes=2, nproc_per_node=4, max_restarts=0, monitor_interval=5)
env = flyte.TaskEnvironment(
    name="elastic", resources=flyte.Resources(gpu=4), plugin_config=two_nodes
)
alone_env = flyte.TaskEnvironment(
    name="elastic-alone",
    plugin_config=Elastic(
        nnodes=1,
        nproc_per_node=1,
        max_restarts=0,
        monitor_interval=5,
    ),
)


@env.task
def train(epochs: int) -> int:
    return epochs


@alone_env.task
def alone(epochs: int) -> int:
    return epochs
