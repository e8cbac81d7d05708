"""Tasks: checked as flyteadmin checks them, changed as their node says, carried to Flyte 2.

A task's template has the same bytes on both sides; its image and its command stay what they are. What a node overrides
is applied as propeller does it:

| override | effect |
|---|---|
| `metadata.retries` other than 0, `metadata.timeout` other than 0 | instead of the task's |
| `metadata.interruptible` | instead of the task's |
| `metadata.cacheable`, `cache_version`, `cache_serializable` | instead of the task's, which propeller leaves as it is |
| `overrides.pod_template` with a pod | instead of the task's container or pod; labels and annotations are merged |
| `overrides.resources` | each named resource instead of the primary container's; 0 leaves it |
| `overrides.extended_resources` | accelerator and shared memory, each instead of the task's |
| `overrides.container_image` | instead of the primary container's |

Sources (v1.16.8): `flytepropeller/pkg/compiler/task_compiler.go`, `compiler/transformers/k8s/{node,utils}.go`,
`flyteplugins/go/tasks/pluginmachinery/flytek8s/{pod_helper,container_helper}.go`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flyteidl.core import compiler_pb2
from flyteidl.core import tasks_pb2 as v1_tasks_pb2
from flyteidl2.core import tasks_pb2

from flyte_bridge_translators.flyte1.names import BAD_TASK
from flyte_bridge_translators.wire import interface, plugin
from flyte_bridge_translators.wire.compiler.problems import CompileErrorCode, Problems
from flyte_bridge_translators.wire.quantity import BadQuantity, is_quantity, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.struct_pb2 import Struct

    from flyte_bridge_translators.flyte1.nodes import Overrides, TaskNode

PRIMARY_CONTAINER = "primary_container_name"
"""Key of a template's `config` that names the container of a pod in which the task runs."""

_Name = v1_tasks_pb2.Resources.ResourceName
KUBERNETES = {
    v1_tasks_pb2.Resources.CPU: "cpu",
    v1_tasks_pb2.Resources.GPU: "nvidia.com/gpu",
    v1_tasks_pb2.Resources.MEMORY: "memory",
    v1_tasks_pb2.Resources.EPHEMERAL_STORAGE: "ephemeral-storage",
}
"""What Kubernetes calls Flyte's resources. There is no STORAGE: propeller leaves it out."""

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class BadOverride(ValueError):
    """Raised when a node overrides what its task does not have.

    Attributes:
        code: Flyte 1's code for it.
    """

    code = BAD_TASK


def compile(template: v1_tasks_pb2.TaskTemplate) -> compiler_pb2.CompiledTask:  # noqa: A001 - what the field calls it
    """Check a task as flyteadmin does when it is registered.

    Raises:
        CompileError: It has no id, or a container or pod that cannot be; everything that is wrong is in it.
    """
    problems = Problems()
    if not template.HasField("id"):
        problems.collect(CompileErrorCode.VALUE_REQUIRED, "root", "Value required [Id].")
    target = template.WhichOneof("target")
    if target == "container":
        _check_container(template, problems)
    elif target == "k8s_pod":
        for container in _containers(template.k8s_pod.pod_spec):
            if not _LABEL.fullmatch(_text(container, "name")):
                problems.collect(CompileErrorCode.INVALID_VALUE, "root", "Invalid value [k8s pod spec container name].")
    if not problems.ok:
        raise problems.error()
    return compiler_pb2.CompiledTask(template=template)


def overridden(template: v1_tasks_pb2.TaskTemplate, node: TaskNode) -> v1_tasks_pb2.TaskTemplate:
    """A task as its node runs it: a copy, with what the node overrides.

    Args:
        template: The task.
        node: Its node; of an array node the element.

    Raises:
        BadOverride: It overrides what the task does not have, or with what is no quantity.
    """
    result = v1_tasks_pb2.TaskTemplate()
    result.CopyFrom(template)
    _override_metadata(result.metadata, node.overrides)
    overrides = node.resources
    if overrides.pod_template.HasField("pod_spec"):
        _override_pod(result, overrides.pod_template)
    if overrides.HasField("resources"):
        _override_resources(result, overrides.resources)
    for name in ("gpu_accelerator", "shared_memory"):
        if overrides.extended_resources.HasField(name):
            getattr(result.extended_resources, name).CopyFrom(getattr(overrides.extended_resources, name))
    if overrides.container_image:
        _override_image(result, overrides.container_image)
    return result


def to_v2(template: v1_tasks_pb2.TaskTemplate) -> tasks_pb2.TaskTemplate:
    """A task's template for Flyte 2.

    Raises:
        BadCustom: A plugin runs it, whose message its `custom` is not.
    """
    plugin.check(template)
    result = tasks_pb2.TaskTemplate.FromString(template.SerializeToString())
    if template.HasField("interface"):
        result.interface.CopyFrom(interface.to_v2(template.interface))
    return result


def from_v2(template: tasks_pb2.TaskTemplate) -> v1_tasks_pb2.TaskTemplate:
    """A template of Flyte 2 for Flyte 1. What only Flyte 2 has stays in it as unknown fields, and comes back with `to_v2`."""
    return v1_tasks_pb2.TaskTemplate.FromString(template.SerializeToString(deterministic=True))


def _check_container(template: v1_tasks_pb2.TaskTemplate, problems: Problems) -> None:
    container = template.container
    takes_or_gives = template.interface.inputs.variables or template.interface.outputs.variables
    if takes_or_gives and not container.command and not container.args:
        problems.collect(CompileErrorCode.VALUE_REQUIRED, "container", "Value required [command].")
    if not container.image:
        problems.collect(CompileErrorCode.VALUE_REQUIRED, "container", "Value required [image].")
    for entry in (*container.resources.requests, *container.resources.limits):
        if not is_quantity(entry.value):
            at = f"resources.{_Name.Name(entry.name)}"
            problems.collect(CompileErrorCode.UNRECOGNIZED_VALUE, at, f"Unrecognized value [{entry.value}].")


def _override_metadata(metadata: v1_tasks_pb2.TaskMetadata, overrides: Overrides) -> None:
    if overrides.retries:
        metadata.retries.retries = overrides.retries
    if overrides.timeout is not None and overrides.seconds:
        metadata.timeout.CopyFrom(overrides.timeout)
    if overrides.interruptible is not None:
        metadata.interruptible = overrides.interruptible
    if overrides.cacheable is not None:
        metadata.discoverable = overrides.cacheable
    if overrides.cache_version is not None:
        metadata.discovery_version = overrides.cache_version
    if overrides.cache_serializable is not None:
        metadata.cache_serializable = overrides.cache_serializable


def _override_pod(template: v1_tasks_pb2.TaskTemplate, pod: v1_tasks_pb2.K8sPod) -> None:
    """The pod of the override. flytekit has merged the task's container into it; copilot's configuration stays the task's."""
    target = template.WhichOneof("target")
    merged = v1_tasks_pb2.K8sPod()
    if target in {"container", "k8s_pod"}:
        own = getattr(template, target)
        if own.HasField("data_config"):
            merged.data_config.CopyFrom(own.data_config)
    if target == "k8s_pod" and template.k8s_pod.HasField("metadata"):
        merged.metadata.CopyFrom(template.k8s_pod.metadata)
    if pod.HasField("metadata"):
        merged.metadata.labels.update(pod.metadata.labels)
        merged.metadata.annotations.update(pod.metadata.annotations)
    merged.pod_spec.CopyFrom(pod.pod_spec)
    merged.primary_container_name = pod.primary_container_name
    template.k8s_pod.CopyFrom(merged)
    template.config[PRIMARY_CONTAINER] = pod.primary_container_name


def _override_resources(template: v1_tasks_pb2.TaskTemplate, resources: v1_tasks_pb2.Resources) -> None:
    for kind in ("requests", "limits"):
        try:
            entries = [entry for entry in getattr(resources, kind) if quantity(entry.value)]
        except BadQuantity as error:
            raise BadOverride(f"a node overrides the {kind} of task {template.id.name}: {error}") from error
        if not entries:
            continue
        if template.WhichOneof("target") == "container":
            _merge(getattr(template.container.resources, kind), entries)
        else:
            container = _primary(template, "resources")
            for entry in entries:
                if entry.name not in KUBERNETES:
                    named = f"{_Name.Name(entry.name)} of a node that overrides task {template.id.name}"
                    raise BadOverride(
                        f"resource {named} is none of a pod's; use one of {', '.join(KUBERNETES.values())}"
                    )
                _set(container, ("resources", kind, KUBERNETES[entry.name]), entry.value)


def _merge(own: Any, entries: Iterable[v1_tasks_pb2.Resources.ResourceEntry]) -> None:
    named = {entry.name: entry for entry in own}
    for entry in entries:
        if entry.name in named:
            named[entry.name].value = entry.value
        else:
            named[entry.name] = own.add(name=entry.name, value=entry.value)


def _override_image(template: v1_tasks_pb2.TaskTemplate, image: str) -> None:
    if template.WhichOneof("target") == "container":
        template.container.image = image
    else:
        _set(_primary(template, "image"), ("image",), image)


def _primary(template: v1_tasks_pb2.TaskTemplate, what: str) -> Struct:
    """The container of a pod in which the task runs."""
    if template.WhichOneof("target") != "k8s_pod":
        raise BadOverride(f"a node overrides the {what} of task {template.id.name}, which has no container")
    name = template.k8s_pod.primary_container_name or template.config.get(PRIMARY_CONTAINER, "")
    for container in _containers(template.k8s_pod.pod_spec):
        if _text(container, "name") == name:
            return container
    raise BadOverride(
        f"invalid TaskSpecification, primary container [{name}] not defined: a node overrides the {what} of task "
        f"{template.id.name}, whose pod has no container of that name"
    )


def _containers(pod_spec: Struct) -> list[Struct]:
    containers = pod_spec.fields["containers"].list_value.values if "containers" in pod_spec.fields else ()
    return [container.struct_value for container in containers]


def _text(struct: Struct, field: str) -> str:
    return str(struct.fields[field].string_value) if field in struct.fields else ""


def _set(struct: Struct, path: tuple[str, ...], value: str) -> None:
    for name in path[:-1]:
        struct = struct.fields[name].struct_value
    struct.fields[path[-1]].string_value = value
