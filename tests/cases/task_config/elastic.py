from flytekit import Resources, task
from flytekitplugins.kfpytorch import Elastic

two_nodes = Elastic(nnodes=2, nproc_per_node=4, start_method="spawn")


@task(task_config=two_nodes, requests=Resources(gpu="4"))
def train(epochs: int) -> int:
    return epochs


@task(task_config=Elastic())
def alone(epochs: int) -> int:
    return epochs
