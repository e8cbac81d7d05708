import flyte
from flyteplugins.dask import Dask, Scheduler, WorkerGroup
from flyteplugins.ray import HeadNodeConfig, RayJobConfig, WorkerNodeConfig

env = flyte.TaskEnvironment(
    name="dask_and_ray",
    plugin_config=Dask(
        scheduler=Scheduler(resources=flyte.Resources(cpu=("1", "2"))),
        workers=WorkerGroup(number_of_workers=3, resources=flyte.Resources(cpu="1", memory="1Gi")),
    ),
)


@env.task
def with_dask(n: int) -> int:
    return n


ray_config = RayJobConfig(
    head_node_config=HeadNodeConfig(ray_start_params={"log-color": "True"}),
    worker_node_config=[WorkerNodeConfig(group_name="ray-group", replicas=2, requests=flyte.Resources(cpu="2"))],
    shutdown_after_job_finishes=True,
)
with_ray_env = flyte.TaskEnvironment(name="dask_and_ray-with-ray", plugin_config=ray_config)


@with_ray_env.task
def with_ray(n: int) -> int:
    return n
