from flytekit import Resources, task
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup
from flytekitplugins.ray import HeadNodeConfig, RayJobConfig, WorkerNodeConfig


@task(
    task_config=Dask(
        scheduler=Scheduler(requests=Resources(cpu="1"), limits=Resources(cpu="2")),
        workers=WorkerGroup(number_of_workers=3, limits=Resources(cpu="1", mem="1Gi")),
    )
)
def with_dask(n: int) -> int:
    return n


ray_config = RayJobConfig(
    head_node_config=HeadNodeConfig(ray_start_params={"log-color": "True"}),
    worker_node_config=[WorkerNodeConfig(group_name="ray-group", replicas=2, requests=Resources(cpu="2"))],
    shutdown_after_job_finishes=True,
)


@task(task_config=ray_config)
def with_ray(n: int) -> int:
    return n
