"""What an installation gives tasks: `AdjustOrDefaultResource` of flyteplugins, for containers and pods."""

from __future__ import annotations

from typing import Any

import pytest
from flyteidl.admin import matchable_resource_pb2
from flyteidl.core import tasks_pb2
from flyteidl2.core import tasks_pb2 as v2_tasks_pb2

from flyte_bridge_translators.wire import resources

ATTRIBUTES = matchable_resource_pb2.TaskResourceAttributes(
    defaults={"cpu": "500m", "memory": "100Mi", "storage": "1Gi", "ephemeral_storage": "1Gi", "gpu": "1"},
    limits={"cpu": "2", "memory": "1Gi"},
)
NAMES = tasks_pb2.Resources.ResourceName


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (("", "", "", ""), ("", "")),
        (("", "", "1", ""), ("1", "1")),
        (("", "3", "1", ""), ("3", "3")),
        (("0", "0", "1", ""), ("1", "1")),
        (("2", "", "1", ""), ("2", "2")),
        (("1", "3", "1", "2"), ("1", "2")),
        (("3", "", "1", "2"), ("2", "2")),
        (("1500m", "1", "", ""), ("1", "1")),
        (("1024Mi", "", "", "1Gi"), ("1024Mi", "1024Mi")),
        (("", "", "many", ""), ("", "")),
    ],
)
def test_requests_and_limits_settle(given: tuple[str, str, str, str], result: tuple[str, str]) -> None:
    """Each stands in for the other, the default for both; none is above the installation's most."""
    assert resources.settled(*given) == result


@pytest.mark.parametrize("module", [tasks_pb2, v2_tasks_pb2], ids=["flyte1", "flyte2"])
def test_a_container_gets_what_it_does_not_ask_for(module: Any) -> None:
    """Of either Flyte's template; storage is no default of flyteadmin's. Done twice it changes nothing more."""
    template = module.TaskTemplate(container={"image": "x"})
    template.container.resources.requests.add(name=NAMES.Value("CPU"), value="4")
    assert resources.assign(template, ATTRIBUTES)
    for entries in (template.container.resources.requests, template.container.resources.limits):
        assert {NAMES.Name(entry.name): entry.value for entry in entries} == {
            "CPU": "2",
            "MEMORY": "100Mi",
            "EPHEMERAL_STORAGE": "1Gi",
            "GPU": "1",
        }
    assert not resources.assign(template, ATTRIBUTES)


def test_a_pods_primary_container_gets_processors_and_memory() -> None:
    """The rest only where it asks for it; other containers are left alone, numbers are quantities."""
    template = tasks_pb2.TaskTemplate(config={"primary_container_name": "main"})
    own = {"name": "main", "resources": {"requests": {"cpu": 4, "nvidia.com/gpu": 2}}}
    template.k8s_pod.pod_spec.update({"containers": [{"name": "side"}, own]})
    assert resources.assign(template, ATTRIBUTES)
    side, main = template.k8s_pod.pod_spec["containers"]
    assert "resources" not in side
    given = {"cpu": "2", "memory": "100Mi", "nvidia.com/gpu": "2"}
    assert [dict(main["resources"][kind]) for kind in ("requests", "limits")] == [given, given]


def test_what_has_neither_is_left_alone() -> None:
    """SQL, plugins, and a pod of which nobody says what its primary container is."""
    pod = tasks_pb2.TaskTemplate()
    pod.k8s_pod.pod_spec.update({"containers": [{"name": "a"}, {"name": "b"}]})
    for template in (tasks_pb2.TaskTemplate(), tasks_pb2.TaskTemplate(sql={"statement": "select 1"}), pod):
        assert not resources.assign(template, ATTRIBUTES)
