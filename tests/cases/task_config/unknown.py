from flytekit import task
from flytekitplugins.awsbatch import AWSBatchConfig
from flytekitplugins.pod import Pod
from kubernetes.client import V1PodSpec


@task(task_config=AWSBatchConfig(platformCapabilities="EC2"))
def batch(n: int) -> int:
    return n


@task(task_config=Pod(pod_spec=V1PodSpec(containers=[]), primary_container_name="primary"))
def podded(n: int) -> int:
    return n
