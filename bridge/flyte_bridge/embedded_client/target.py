"""What of a task's template can be run here: the command, and what it asks for.

A template has a container, or a pod with a primary container; either way it comes down to a command, an environment
and requests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from flyteidl2.core import tasks_pb2
from google.protobuf import json_format

from flyte_bridge.embedded_client.room import DEFAULT, NOTHING, Room

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl2.core.tasks_pb2 import TaskTemplate

_CPU, _GPU, _MEMORY = (tasks_pb2.Resources.ResourceName.Value(name) for name in ("CPU", "GPU", "MEMORY"))
_ACCELERATOR = re.compile(r"gpu|tpu|neuron|gaudi|habana|xpu", re.IGNORECASE)
_QUANTITY = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([a-zA-Z]*)\s*\Z")
_SUFFIX = {
    "": 1.0, "n": 1e-9, "u": 1e-6, "m": 1e-3,
    "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip
"""Kubernetes' quantities (`apimachinery/pkg/api/resource/quantity.go`)."""


DRIVER = "flyte-bridge-driver"
"""The program of ours that runs workflows: always on the backend's own Python, whatever image its task names."""


@dataclass(frozen=True)
class Target:
    """A command and what it asks for.

    Attributes:
        image: Which image it was meant to run in.
        argv: Command and arguments, before template variables are filled in.
        env: The container's own environment.
        need: Requests; `DEFAULT` where it has none, nothing for a driver or an eager task: they only wait, also for
            runs that are not their children, and would otherwise keep out what they wait for.
        accelerators: What it requests beyond CPU and memory that this machine may not have, as `name=value`.
        pod: The rest of a pod's specification, by field; empty for a plain container.
    """

    image: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    need: Room = DEFAULT
    accelerators: tuple[str, ...] = ()
    pod: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_flytekit(self) -> bool:
        """Whether it is one of Flyte 1's tasks: whatever is neither the Flyte 2 SDK's nor ours."""
        return bool(self.argv) and PurePath(self.argv[0]).name not in {"a0", DRIVER}

    @property
    def is_driver(self) -> bool:
        """Whether it is flyte-bridge's driver."""
        return bool(self.argv) and PurePath(self.argv[0]).name == DRIVER


def read(template: TaskTemplate) -> Target | None:
    """Return what can be run of a template; None if it has neither a container nor a pod with one."""
    kind = template.WhichOneof("target")
    target = None
    if kind == "container":
        target = _from_container(template)
    elif kind == "k8s_pod":
        target = _from_pod(template)
    if target is not None and (target.is_driver or template.metadata.is_eager):
        return replace(target, need=NOTHING)
    return target


def quantity(text: str) -> float:
    """Read a Kubernetes quantity: `500m` is 0.5, `1Gi` is 1073741824.

    Raises:
        ValueError: It is none.
    """
    match = _QUANTITY.match(text)
    if match is None or match[2] not in _SUFFIX:
        raise ValueError(f"{text!r} is no quantity; write it as Kubernetes does: 500m, 2, 1Gi")
    return float(match[1]) * _SUFFIX[match[2]]


def _from_container(template: TaskTemplate) -> Target:
    container = template.container
    asked: dict[int, str] = {}
    for entries in (container.resources.limits, container.resources.requests):  # a limit alone is a request too
        asked.update({entry.name: entry.value for entry in entries})
    accelerators = [f"gpu={asked[_GPU]}"] if _positive(asked.get(_GPU)) else []
    if device := template.extended_resources.gpu_accelerator.device:
        accelerators.append(f"accelerator={device}")
    return Target(
        image=container.image,
        argv=(*container.command, *container.args),
        env={pair.key: pair.value for pair in container.env},
        need=_room(asked.get(_CPU), asked.get(_MEMORY)),
        accelerators=tuple(accelerators),
    )


def _from_pod(template: TaskTemplate) -> Target | None:
    spec = json_format.MessageToDict(template.k8s_pod.pod_spec)
    containers = spec.pop("containers", [])
    name = template.k8s_pod.primary_container_name or template.config.get("primary_container_name", "")
    primary = next((c for c in containers if c.get("name") == name), containers[0] if len(containers) == 1 else None)
    if primary is None:
        return None
    others = [c.get("name", "?") for c in containers if c is not primary]
    if others:
        spec["containers"] = others
    resources = primary.get("resources", {})
    asked = {**resources.get("limits", {}), **resources.get("requests", {})}
    pod = {**spec, **{key: primary[key] for key in ("volumeMounts", "envFrom", "volumeDevices") if primary.get(key)}}
    indirect = [entry["name"] for entry in primary.get("env", []) if "valueFrom" in entry]
    if indirect:
        pod["env.valueFrom"] = indirect
    return Target(
        image=primary.get("image", ""),
        argv=(*primary.get("command", ()), *primary.get("args", ())),
        env={
            entry["name"]: str(entry.get("value", "")) for entry in primary.get("env", []) if "valueFrom" not in entry
        },
        need=_room(asked.get("cpu"), asked.get("memory")),
        accelerators=tuple(f"{k}={_text(v)}" for k, v in asked.items() if _ACCELERATOR.search(k) and _positive(v)),
        pod=pod,
    )


def _room(cpu: object, memory: object) -> Room:
    return Room(
        cpu=DEFAULT.cpu if cpu is None else round(quantity(_text(cpu)) * 1000),
        memory=DEFAULT.memory if memory is None else round(quantity(_text(memory))),
    )


def _positive(value: object) -> bool:
    return value is not None and quantity(_text(value)) > 0


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
