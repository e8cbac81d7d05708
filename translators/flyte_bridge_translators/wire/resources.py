"""What an installation gives tasks that ask for nothing, and the most it gives (`TASK_RESOURCE` attributes).

Source: flyteadmin (`setCompiledTaskDefaults` of `pkg/manager/impl/execution_manager.go`) for containers, flyteplugins
(`ApplyResourceOverrides` of `flytek8s/container_helper.go`) for pods, v1.16.8. Of the five kinds of resources neither looks
at `storage`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl.core import tasks_pb2

from flyte_bridge_translators.wire.quantity import BadQuantity, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyteidl.admin import matchable_resource_pb2
    from google.protobuf.struct_pb2 import Struct

_Resources = tasks_pb2.Resources
PRIMARY_CONTAINER = "primary_container_name"
_ALWAYS = ("cpu", "memory")
_KINDS = {
    "cpu": (_Resources.CPU, ("cpu",)),
    "memory": (_Resources.MEMORY, ("memory",)),
    "ephemeral_storage": (_Resources.EPHEMERAL_STORAGE, ("ephemeral-storage",)),
    "gpu": (_Resources.GPU, ("nvidia.com/gpu", "gpu")),
}
"""By the attributes' names: what a container calls them, and a pod."""


def assign(template: Any, attributes: matchable_resource_pb2.TaskResourceAttributes) -> bool:
    """Give a task what it does not ask for, and no more than there is for it.

    Args:
        template: Of either Flyte; changed in place.
        attributes: What holds for its workflow.

    Returns:
        Whether anything was changed.
    """
    before = template.SerializeToString(deterministic=True)
    target = template.WhichOneof("target")
    if target == "container":
        _container(template.container.resources, attributes)
    elif target == "k8s_pod":
        primary = _primary(template)
        if primary is not None:
            _pod(primary, attributes)
    return bool(template.SerializeToString(deterministic=True) != before)


def settled(request: str, limit: str, default: str, most: str) -> tuple[str, str]:
    """What is asked for and what is allowed in the end, as flyteplugins' `AdjustOrDefaultResource` has it.

    Args:
        request: The task's; empty for none.
        limit: The task's.
        default: The installation's.
        most: The installation's.
    """
    request, limit, default, most = (_known(one) for one in (request, limit, default, most))
    request = request or limit or default
    limit = limit or request
    request, limit = _least(request, most), _least(limit, most)
    return _least(request, limit), limit


def _container(resources: Any, attributes: matchable_resource_pb2.TaskResourceAttributes) -> None:
    for field, (name, _) in _KINDS.items():
        request, limit = settled(
            _entry(resources.requests, name),
            _entry(resources.limits, name),
            getattr(attributes.defaults, field),
            getattr(attributes.limits, field),
        )
        _set_entry(resources.requests, name, request)
        _set_entry(resources.limits, name, limit)


def _pod(container: Struct, attributes: matchable_resource_pb2.TaskResourceAttributes) -> None:
    asked = {kind: _written(container, kind) for kind in ("requests", "limits")}
    for field, (_, names) in _KINDS.items():
        named = [name for name in names if name in asked["requests"] or name in asked["limits"]]
        if not named and field not in _ALWAYS:  # a pod is given these by its template only
            continue
        for name in named or names[:1]:
            request, limit = settled(
                asked["requests"].get(name, ""),
                asked["limits"].get(name, ""),
                getattr(attributes.defaults, field),
                getattr(attributes.limits, field),
            )
            for kind, value in (("requests", request), ("limits", limit)):
                if value:
                    resources = container.fields["resources"].struct_value
                    resources.fields[kind].struct_value.fields[name].string_value = value


def _written(container: Struct, kind: str) -> Mapping[str, str]:
    """A pod's resources as texts: YAML gives numbers, too."""
    found: Any = container
    for name in ("resources", kind):
        if name not in found.fields:
            return {}
        found = found.fields[name].struct_value
    return {
        name: value.string_value if value.WhichOneof("kind") == "string_value" else f"{value.number_value:g}"
        for name, value in found.fields.items()
    }


def _primary(template: tasks_pb2.TaskTemplate) -> Struct | None:
    name = template.k8s_pod.primary_container_name or template.config.get(PRIMARY_CONTAINER, "")
    fields = template.k8s_pod.pod_spec.fields
    containers = [one.struct_value for one in fields["containers"].list_value.values] if "containers" in fields else []
    for one in containers:
        if "name" in one.fields and one.fields["name"].string_value == name:
            return one
    return containers[0] if len(containers) == 1 else None


def _entry(entries: Iterable[Any], name: int) -> str:
    return next((str(entry.value) for entry in entries if entry.name == name), "")


def _set_entry(entries: Any, name: int, value: str) -> None:
    if not value:
        return
    for entry in entries:
        if entry.name == name:
            entry.value = value
            return
    entries.add(name=name, value=value)


def _known(written: str) -> str:
    """A quantity; nothing for zero, and for what is none, as flyteadmin reads it."""
    try:
        return written if written and quantity(written) else ""
    except BadQuantity:
        return ""


def _least(value: str, most: str) -> str:
    return most if value and most and quantity(value) > quantity(most) else value
