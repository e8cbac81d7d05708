"""Tasks as their nodes run them, and as Flyte 2 gets them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flyteidl.core import tasks_pb2, workflow_pb2
from google.protobuf import json_format

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import task as wire_task
from flyte_bridge_translators.wire.compiler.problems import CompileError

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flytekit import PodTemplate, Resources, task, workflow
from flytekit.extras.accelerators import A100
from kubernetes.client import V1Container, V1PodSpec

from wire.serialized import serialize

if TYPE_CHECKING:
    from collections.abc import Callable


@task(retries=2, timeout=timedelta(minutes=3), requests=Resources(cpu="1", mem="1Gi"), cache=True, cache_version="1")
def work(a: int) -> int:
    return a


@task(
    pod_template=PodTemplate(
        primary_container_name="main",
        labels={"team": "a", "kept": "1"},
        pod_spec=V1PodSpec(containers=[V1Container(name="main"), V1Container(name="beside", image="side:1")]),
    ),
    requests=Resources(cpu="1"),
)
def pod(a: int) -> int:
    return a


@workflow
def overrides(a: int) -> int:
    first = work(a=a).with_overrides(
        requests=Resources(cpu="2", ephemeral_storage="5Gi"),
        limits=Resources(mem="4Gi"),
        container_image="registry.example/other:2",
        retries=5,
        timeout=timedelta(minutes=7),
        interruptible=True,
        cache=True,
        cache_version="2",
        cache_serialize=True,
        accelerator=A100,
        shared_memory="1Gi",
    )
    second = pod(a=first).with_overrides(
        requests=Resources(cpu="2", gpu="1"), container_image="registry.example/other:2", limits=Resources(mem="0")
    )
    third = work(a=second).with_overrides(
        pod_template=PodTemplate(
            primary_container_name="p",
            labels={"team": "b"},
            pod_spec=V1PodSpec(containers=[V1Container(name="p")], node_selector={"disk": "fast"}),
        )
    )
    fourth = pod(a=third).with_overrides(
        pod_template=PodTemplate(
            primary_container_name="p",
            labels={"team": "b"},
            annotations={"why": "because"},
            pod_spec=V1PodSpec(containers=[V1Container(name="p", image="registry.example/p:1")]),
        ),
        requests=Resources(mem="2Gi"),
    )
    return work(a=fourth)


@pytest.fixture(scope="module")
def nodes() -> list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]:
    """The nodes of the workflow, each with its task."""
    serialized = serialize(overrides)
    template = serialized.workflows[overrides.name].template
    return [(serialized.tasks[node.task_node.reference_id.name].template, node) for node in template.nodes]


def test_a_node_that_overrides_nothing(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """Its task stays as it is, retries and timeout included."""
    template, node = nodes[4]
    assert wire_task.overridden(template, read.node(node)) == template
    assert template.metadata.retries.retries == 2


def test_a_container(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """Named resources, image, metadata, accelerator and shared memory are the node's; the rest stays."""
    template, node = nodes[0]
    before = template.SerializeToString(deterministic=True)
    made = wire_task.overridden(template, read.node(node))
    assert json_format.MessageToDict(made.container.resources) == {
        "requests": [
            {"name": "CPU", "value": "2"},
            {"name": "MEMORY", "value": "1Gi"},
            {"name": "EPHEMERAL_STORAGE", "value": "5Gi"},
        ],
        "limits": [{"name": "MEMORY", "value": "4Gi"}],
    }
    assert made.container.image == "registry.example/other:2"
    assert made.container.args == template.container.args
    metadata = made.metadata
    assert (metadata.retries.retries, metadata.timeout.seconds, metadata.interruptible) == (5, 420, True)
    assert (metadata.discoverable, metadata.discovery_version, metadata.cache_serializable) == (True, "2", True)
    assert made.extended_resources.gpu_accelerator.device == A100.to_flyte_idl().device
    assert made.extended_resources.shared_memory.size_limit == "1Gi"
    assert template.SerializeToString(deterministic=True) == before


def test_a_pod(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """Only its primary container is changed, in Kubernetes' words; a resource of nothing leaves what is there."""
    template, node = nodes[1]
    made = wire_task.overridden(template, read.node(node))
    containers = {c["name"]: c for c in json_format.MessageToDict(made.k8s_pod.pod_spec)["containers"]}
    assert containers["main"]["resources"] == {"requests": {"cpu": "2", "nvidia.com/gpu": "1"}, "limits": {}}
    assert containers["main"]["image"] == "registry.example/other:2"
    assert containers["beside"]["image"] == "side:1"
    assert "resources" not in containers["beside"]


def test_a_pod_instead_of_a_container(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """The task then is a pod, which runs the task's command where its template says."""
    template, node = nodes[2]
    made = wire_task.overridden(template, read.node(node))
    assert made.WhichOneof("target") == "k8s_pod"
    assert made.k8s_pod.primary_container_name == made.config[wire_task.PRIMARY_CONTAINER] == "p"
    spec = json_format.MessageToDict(made.k8s_pod.pod_spec)
    assert spec["nodeSelector"] == {"disk": "fast"}
    (container,) = spec["containers"]
    assert container["args"] == list(template.container.args)
    assert dict(made.k8s_pod.metadata.labels) == dict(node.task_node.overrides.pod_template.metadata.labels)


def test_a_pod_instead_of_a_pod(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """Labels and annotations are merged, the pod is the node's, and its resources are overridden too."""
    template, node = nodes[3]
    node_with_labels = workflow_pb2.Node()
    node_with_labels.CopyFrom(node)
    metadata = node_with_labels.task_node.overrides.pod_template.metadata
    metadata.labels["team"], metadata.annotations["why"] = "b", "because"
    made = wire_task.overridden(template, read.node(node_with_labels))
    assert dict(made.k8s_pod.metadata.labels) == {"team": "b", "kept": "1"}
    assert dict(made.k8s_pod.metadata.annotations) == {"why": "because"}
    (container,) = json_format.MessageToDict(made.k8s_pod.pod_spec)["containers"]
    assert container["resources"]["requests"]["memory"] == "2Gi"


def _without_target(template: tasks_pb2.TaskTemplate) -> None:
    template.ClearField("k8s_pod")


def _no_primary(template: tasks_pb2.TaskTemplate) -> None:
    template.k8s_pod.primary_container_name = "gone"


@pytest.mark.parametrize(
    ("change", "says"),
    [(_without_target, "has no container"), (_no_primary, r"primary container \[gone\] not defined")],
)
def test_what_is_not_there_cannot_be_overridden(
    nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]],
    change: Callable[[tasks_pb2.TaskTemplate], None],
    says: str,
) -> None:
    """It is refused, not left out."""
    template = tasks_pb2.TaskTemplate()
    template.CopyFrom(nodes[1][0])
    change(template)
    with pytest.raises(wire_task.BadOverride, match=says):
        wire_task.overridden(template, read.node(nodes[1][1]))


def test_a_resource_that_pods_do_not_have(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """Propeller leaves STORAGE out of pods in silence; here it is said."""
    node = workflow_pb2.Node()
    node.task_node.overrides.resources.limits.add(name=tasks_pb2.Resources.STORAGE, value="1Gi")
    with pytest.raises(wire_task.BadOverride, match="STORAGE"):
        wire_task.overridden(nodes[1][0], read.node(node))
    node.task_node.overrides.resources.limits[0].value = "much"
    with pytest.raises(wire_task.BadOverride, match=r"overrides the limits of task .*quantities must match"):
        wire_task.overridden(nodes[0][0], read.node(node))


def test_what_flytekit_registers_is_right(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """Containers and pods."""
    for template, _ in nodes:
        assert wire_task.compile(template).template == template


def _no_command(template: tasks_pb2.TaskTemplate) -> None:
    template.container.ClearField("args")


def _no_image(template: tasks_pb2.TaskTemplate) -> None:
    template.container.image = ""


def _no_quantity(template: tasks_pb2.TaskTemplate) -> None:
    template.container.resources.requests.add(name=tasks_pb2.Resources.CPU, value="two")


def _no_id(template: tasks_pb2.TaskTemplate) -> None:
    template.ClearField("id")


def _no_name(template: tasks_pb2.TaskTemplate) -> None:
    template.k8s_pod.pod_spec.update({"containers": [{"name": "Main_1"}]})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_no_command, "Code: ValueRequired, Node Id: container, Description: Value required [command]."),
        (_no_image, "Code: ValueRequired, Node Id: container, Description: Value required [image]."),
        (_no_quantity, "Code: UnrecognizedValue, Node Id: resources.CPU, Description: Unrecognized value [two]."),
        (_no_id, "Code: ValueRequired, Node Id: root, Description: Value required [Id]."),
        (_no_name, "Code: InvalidValue, Node Id: root, Description: Invalid value [k8s pod spec container name]."),
    ],
)
def test_what_cannot_be_registered(
    nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]],
    change: Callable[[tasks_pb2.TaskTemplate], None],
    problem: str,
) -> None:
    """With flyteadmin's codes and words."""
    template = tasks_pb2.TaskTemplate()
    template.CopyFrom(nodes[0][0])
    change(template)
    with pytest.raises(CompileError) as error:
        wire_task.compile(template)
    assert [str(one) for one in error.value.problems] == [problem]


def test_there_and_back(nodes: list[tuple[tasks_pb2.TaskTemplate, workflow_pb2.Node]]) -> None:
    """A template for Flyte 2 is the same template; what only Flyte 2 has survives the way back and forth."""
    for template, _ in nodes:
        assert wire_task.from_v2(wire_task.to_v2(template)) == template
    made = wire_task.to_v2(nodes[0][0])
    made.metadata.code_bundle_uri = "s3://bucket/code"
    assert wire_task.to_v2(wire_task.from_v2(made)) == made
