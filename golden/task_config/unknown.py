import flyte
from kubernetes.client import V1PodSpec

env = flyte.TaskEnvironment(name="unknown")
batch_env = flyte.TaskEnvironment(name="unknown-batch")


# TODO(flyte-bridge FB302): task_config=AWSBatchConfig(platformCapabilities="EC2"): flytekitplugins.awsbatch.AWSBatchConfig has no counterpart in Flyte 2 that is known here
@batch_env.task
def batch(n: int) -> int:
    return n


@env.task(pod_template=flyte.PodTemplate(pod_spec=V1PodSpec(containers=[]), primary_container_name="primary"))
def podded(n: int) -> int:
    return n
