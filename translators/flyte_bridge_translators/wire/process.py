"""Environment variables and arguments of the process that a task is, wherever its template keeps them.

Templates of either Flyte: the fields are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl.core import tasks_pb2 as v1_tasks_pb2
    from flyteidl2.core import tasks_pb2

    Template: TypeAlias = tasks_pb2.TaskTemplate | v1_tasks_pb2.TaskTemplate

PRIMARY = "primary_container_name"
"""Key of a template's `config` that names the container of a pod that is the task itself (flytekit's `PodTemplate`)."""

CONTEXT = "_F_SS_C"
"""The variable that flytekit gives to tasks that will serialize others: dynamic ones, and eager ones."""

MAP = "pyflyte-map-execute"
"""flytekit's entry point of a mapped task: it runs one element, which its environment names."""


def add(template: Template, variables: Mapping[str, str]) -> None:
    """Set variables of the process that a task is; what it has neither container nor pod for, needs none.

    Args:
        template: Changed in place.
        variables: Values by name; they go before the template's own.
    """
    kind = template.WhichOneof("target")
    if kind == "container":
        env = template.container.env
        for place in range(len(env) - 1, -1, -1):
            if env[place].key in variables:
                del env[place]
        for name, value in variables.items():
            env.add(key=name, value=value)
    elif kind == "k8s_pod":
        primary = _primary(template)
        if primary is not None:
            kept = [
                one for one in _list(primary, "env") if one.struct_value.fields["name"].string_value not in variables
            ]
            own = [{"name": name, "value": value} for name, value in variables.items()]
            primary.fields["env"].list_value.Clear()
            primary.fields["env"].list_value.values.extend(kept)
            primary.fields["env"].list_value.extend(own)


def has(template: Template, name: str) -> bool:
    """Whether a task's process is given a variable by its template."""
    kind = template.WhichOneof("target")
    if kind == "container":
        return any(one.key == name for one in template.container.env)
    if kind == "k8s_pod":
        primary = _primary(template)
        known = _list(primary, "env") if primary is not None else []
        return any(one.struct_value.fields["name"].string_value == name for one in known)
    return False


def is_dynamic(template: Template) -> bool:
    """Whether a task may leave a workflow to be run."""
    return has(template, CONTEXT) and not template.metadata.is_eager


def is_mapped(template: Template) -> bool:
    """Whether a task's process runs one element of the lists that the task takes."""
    return MAP in arguments(template)


def arguments(template: Template) -> list[str]:
    """What a task's process is started with, without the image's own entry point."""
    kind = template.WhichOneof("target")
    if kind == "container":
        return list(template.container.args)
    if kind == "k8s_pod":
        primary = _primary(template)
        return [one.string_value for one in _list(primary, "args")] if primary is not None else []
    return []


def set_arguments(template: Template, words: list[str]) -> None:
    """Start a task's process with other arguments; changes the template in place."""
    kind = template.WhichOneof("target")
    if kind == "container":
        template.container.args[:] = words
    elif kind == "k8s_pod":
        primary = _primary(template)
        if primary is not None:
            primary.fields["args"].list_value.Clear()
            primary.fields["args"].list_value.extend(words)


def _primary(template: Template) -> Any | None:
    """The container of a pod that is the task itself: the one that is named so, or the only one."""
    containers = [one.struct_value for one in _list(template.k8s_pod.pod_spec, "containers")]
    name = template.k8s_pod.primary_container_name or template.config.get(PRIMARY, "")
    named = [one for one in containers if one.fields["name"].string_value == name]
    if named:
        return named[0]
    return containers[0] if len(containers) == 1 else None


def _list(struct: Any, key: str) -> Any:
    return struct.fields[key].list_value.values if key in struct.fields else []
