"""What cannot be run without containers or a cluster, refused by name before anything is started.

Refusing is better than half a run: a task that silently does without its sidecar or its GPU gives wrong answers.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyteidl2.core.tasks_pb2 import TaskTemplate

    from flyte_bridge.embedded_client.target import Target

SLEEP = "core-sleep"
"""The task type that needs no process."""

PLUGIN_TYPES = {
    "clustered-task": "a JobSet of several pods",
    "dask": "the Dask operator",
    "mpi": "the Kubeflow MPI operator",
    "pytorch": "the Kubeflow PyTorch operator",
    "ray": "the KubeRay operator",
    "spark": "the Spark operator",
    "tensorflow": "the Kubeflow TensorFlow operator",
}
"""Task types that a cluster gives to a plugin of their own (`flyteplugins/go/tasks/plugins/k8s`), and what that
needs."""

_PROGRAMS = re.compile(r"a0|pyflyte-execute|pyflyte-fast-execute|pyflyte-map-execute|flyte-bridge[\w-]*|python[0-9.]*")
"""Commands that are the same here as in an image: Python, and what the SDKs and flyte-bridge install beside it."""

_POD_WITHOUT = {
    "containers": "other containers",
    "ephemeralContainers": "ephemeral containers",
    "initContainers": "init containers",
    "volumes": "volumes",
    "volumeMounts": "volume mounts",
    "volumeDevices": "volume devices",
    "envFrom": "environment from a ConfigMap or Secret",
    "env.valueFrom": "environment from elsewhere",
}
"""Parts of a pod that change what the task sees; the others only say where and as whom it runs."""


def refusal(
    template: TaskTemplate, target: Target | None, *, accelerators: bool = False, commands: bool = False
) -> str:
    """Say why a task cannot be run here; empty if it can.

    Args:
        template: The task.
        target: What can be run of it.
        accelerators: Run what requests accelerators, with what the machine has.
        commands: Run any command that the machine has, in no container.
    """
    name = template.id.name or template.type
    if template.type == SLEEP:
        return ""
    if needs := PLUGIN_TYPES.get(template.type):
        return f"task {name} is of type {template.type}, which needs {needs}; run it on a cluster"
    if target is None:
        kind = template.WhichOneof("target")
        if kind == "k8s_pod":
            return f"task {name} is a pod whose primary container cannot be told; name it in primary_container_name"
        what = "SQL" if kind == "sql" else "no container"
        return (
            f"task {name} of type {template.type or 'unknown'} has {what}: on a cluster a plugin or connector runs it, "
            "the embedded backend has none"
        )
    raw = template.container.data_config.enabled or template.k8s_pod.data_config.enabled
    if (raw or template.type == "raw-container") and not commands:
        return (
            f"task {name} is a container task: image {target.image} is what it runs, and that needs a container "
            "runtime; run it on a cluster, or allow its command to run on this machine, without the image: "
            f"{_allowing('commands')}"
        )
    if missing := [words for part, words in _POD_WITHOUT.items() if target.pod.get(part)]:
        return f"task {name} has a pod template with {', '.join(missing)}; that needs a cluster"
    if target.accelerators and not accelerators:
        return (
            f"task {name} requests {', '.join(target.accelerators)}, but there are none to hand out here; run "
            f"it on a cluster, or allow it to run without: {_allowing('accelerators')}"
        )
    if not target.argv:
        return f"task {name} runs what image {target.image} starts by itself, which needs a container runtime"
    if not commands and not _PROGRAMS.fullmatch(PurePath(target.argv[0]).name):
        return (
            f"task {name} runs {target.argv[0]!r} in image {target.image}, which needs a container runtime; "
            f"run it on a cluster, or allow commands of this machine: {_allowing('commands')}"
        )
    return ""


def _allowing(what: str) -> str:
    """Who has to be told: the backend, which keeps the environment it was started in, whatever its callers' says."""
    return f"start the backend with FLYTE_BRIDGE_TASK_ALLOW={what} (`flyte-bridge down`, then `up`)"
