"""What needs containers or a cluster is refused by name, before anything is started."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from flyteidl2.core.tasks_pb2 import Container, K8sPod, Resources, Sql, TaskTemplate
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct

from flyte_bridge.embedded.executor import AttemptEnding
from flyte_bridge.embedded_client.refusal import refusal
from flyte_bridge.embedded_client.room import NOTHING
from flyte_bridge.embedded_client.target import quantity, read

A0 = ["a0", "--inputs", "{{.input}}"]


def container(args: list[str] = A0, *, kind: str = "python", **fields: Any) -> TaskTemplate:
    return TaskTemplate(type=kind, container=Container(image="img", args=args, **fields))


def pod(**spec: Any) -> TaskTemplate:
    spec.setdefault("containers", [{"name": "primary", "image": "img", "args": A0}])
    struct = json_format.ParseDict(spec, Struct())
    return TaskTemplate(type="python", k8s_pod=K8sPod(pod_spec=struct, primary_container_name="primary"))


def requests(**values: str) -> Resources:
    names = Resources.ResourceName
    return Resources(
        requests=[Resources.ResourceEntry(name=names.Value(k.upper()), value=v) for k, v in values.items()]
    )


@pytest.mark.parametrize(
    "template",
    [
        container(),
        container(kind="container"),
        container(kind="something-new"),
        container(["pyflyte-execute"]),
        container(["python", "-c", "pass"]),
        container(["/usr/bin/python3.11", "-m", "x"]),
        container(["flyte-bridge-driver"]),
        container(resources=requests(cpu="64", memory="1Ti", gpu="0")),
        pod(nodeSelector={"a": "b"}, tolerations=[{}], serviceAccountName="x"),
        TaskTemplate(type="core-sleep"),
    ],
)
def test_what_can_run_is_not_refused(template: TaskTemplate) -> None:
    """Python commands in containers or pods, whatever they request of CPU and memory, wherever they were to run."""
    assert refusal(template, read(template)) == ""


@pytest.mark.parametrize(
    ("template", "word"),
    [
        (container(kind="spark"), "Spark operator"),
        (container(kind="ray"), "KubeRay"),
        (container(kind="clustered-task"), "JobSet"),
        (container(["/bin/sh", "-c", "true"]), "container runtime"),
        (container([]), "container runtime"),
        (container(kind="raw-container"), "container runtime"),
        (container(resources=requests(gpu="1")), "gpu=1"),
        (TaskTemplate(type="bigquery_query_job_task", sql=Sql(statement="x")), "SQL"),
        (TaskTemplate(type="bare"), "no container"),
        (pod(volumes=[{"name": "v"}]), "volumes"),
        (pod(initContainers=[{"name": "v"}]), "init containers"),
        (pod(containers=[{"name": "primary", "args": A0}, {"name": "proxy"}]), "other containers"),
        (pod(containers=[{"name": "a"}, {"name": "b"}]), "primary container"),
        (
            pod(containers=[{"name": "primary", "args": A0, "env": [{"name": "K", "valueFrom": {}}]}]),
            "environment from elsewhere",
        ),
        (
            pod(containers=[{"name": "primary", "args": A0, "resources": {"limits": {"nvidia.com/gpu": 1}}}]),
            "nvidia.com/gpu=1",
        ),
    ],
)
def test_what_cannot_run_is_refused_by_name(template: TaskTemplate, word: str) -> None:
    """The message names the part that is missing here."""
    assert word in refusal(template, read(template))


def test_the_user_may_allow_more() -> None:
    """Accelerators and any command of the machine, each by its own option."""
    gpu, shell = container(resources=requests(gpu="1")), container(["/bin/sh", "-c", "true"])
    assert refusal(gpu, read(gpu), accelerators=True) == ""
    assert refusal(shell, read(shell), commands=True) == ""


@pytest.mark.parametrize(
    ("text", "value"), [("500m", 0.5), ("2", 2), ("1.5", 1.5), ("1Gi", 1 << 30), ("1G", 1e9), ("128974848", 128974848)]
)
def test_quantities_are_kubernetes(text: str, value: float) -> None:
    """Decimal and binary suffixes."""
    assert quantity(text) == value


def test_a_bad_quantity_is_refused() -> None:
    """With an example of a good one."""
    with pytest.raises(ValueError, match="500m"):
        quantity("much")


def test_requests_are_read_from_requests_then_limits() -> None:
    """A limit without a request is a request, as in Kubernetes."""
    target = read(container(resources=requests(cpu="500m")))
    assert target is not None
    assert target.need.cpu == 500
    limits = Resources(limits=requests(memory="1Gi").requests)
    target = read(container(resources=limits))
    assert target is not None
    assert target.need.memory == 1 << 30


@pytest.mark.parametrize(
    ("template", "word"),
    [
        (container(["/bin/sh", "-c", "true"]), "container runtime"),
        (container(["flyte-bridge-nonexistent"]), "neither in"),
        (container(resources=requests(cpu="much")), "quantity"),
        (container(["python", "{{.inputs.nothing}}"]), "nothing"),
        (b"\xff\xff", "no TaskTemplate"),
    ],
)
def test_a_refused_attempt_fails_at_once(world: Any, template: TaskTemplate | bytes, word: str) -> None:
    """Not recoverable, no process, no exit code; the task's own doing."""

    async def main() -> None:
        async with world() as w:
            data = template if isinstance(template, bytes) else template.SerializeToString()
            outcome = await w.run(w.job(data))
            assert (outcome.ending, outcome.exit_code, outcome.started_at) == (AttemptEnding.FAILED, None, None)
            assert outcome.failure.code == "BadTaskSpecification"
            assert (outcome.failure.recoverable, outcome.failure.system) == (False, False)
            assert word in outcome.failure.message

    asyncio.run(main())


def test_a_real_task_that_wants_a_gpu_is_refused_or_allowed(world: Any) -> None:
    """By flytekit's `Resources(gpu="1")`."""

    async def main() -> None:
        async with world() as w:
            assert "gpu=1" in (await w.run(w.job("on_gpu", "n0"))).failure.message
        async with world(accelerators=True) as w:
            assert w.outputs(await w.run(w.job("on_gpu", "n1"))) == 1

    asyncio.run(main())


def test_a_driver_asks_for_nothing_whatever_its_template_says() -> None:
    """It waits, also for runs that are not its children, and would keep out what it waits for."""
    for program in ("flyte-bridge-driver", "/opt/bin/flyte-bridge-driver"):
        target = read(container([program, "--inputs", "x"], resources=requests(cpu="4", memory="8Gi")))
        assert target is not None
        assert (target.is_driver, target.need) == (True, NOTHING)
    other = read(container(resources=requests(cpu="4")))
    assert other is not None
    assert (other.is_driver, other.need.cpu) == (False, 4000)
