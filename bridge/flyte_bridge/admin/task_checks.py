"""What flyteadmin asks of a task at registration (`pkg/manager/impl/validation/task_validator.go`, v1.16.8)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from flyteidl.core import tasks_pb2

from flyte_bridge.admin.validation import given, missing, text
from flyte_bridge.errors import InvalidRequest, Unimplemented
from flyte_bridge_translators.wire import plugin
from flyte_bridge_translators.wire.quantity import BadQuantity, quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from flyteidl.admin import matchable_resource_pb2, task_pb2
    from flyteidl.core import identifier_pb2

    from flyte_bridge.config import Allowance

_Resources = tasks_pb2.Resources
_CHECKED = (_Resources.CPU, _Resources.MEMORY, _Resources.GPU, _Resources.EPHEMERAL_STORAGE)
_POD_NAMES = {"cpu": _Resources.CPU, "memory": _Resources.MEMORY, "gpu": _Resources.GPU,
              "storage": _Resources.STORAGE, "ephemeral-storage": _Resources.EPHEMERAL_STORAGE}  # fmt: skip


def check(request: task_pb2.TaskCreateRequest, limits: matchable_resource_pb2.TaskResourceSpec | None = None) -> None:
    """Hold that a task can be registered.

    Args:
        request: Whose project, domain and identifier are checked already.
        limits: What its project or domain allows tasks at most (`TASK_RESOURCE` attributes).

    Raises:
        InvalidRequest: It cannot.
    """
    if not request.HasField("spec") or not request.spec.HasField("template"):
        raise missing("spec")
    template = request.spec.template
    given(template.type, "type")
    if not template.HasField("metadata"):
        raise missing("metadata")
    if template.metadata.HasField("runtime"):
        given(template.metadata.runtime.version, "runtime version")
    if not template.HasField("interface"):
        raise missing("typed interface")
    most = _platform(limits)
    if template.HasField("container"):
        given(template.container.image, "image")
        if template.container.HasField("resources"):
            asked = template.container.resources
            _compare(request.id, _entries(request.id, asked.requests), _entries(request.id, asked.limits), most)
    elif template.HasField("k8s_pod"):
        _check_pod(request.id, template.k8s_pod, most)


def check_embedded(template: tasks_pb2.TaskTemplate, allowed: Iterable[Allowance]) -> None:
    """Hold that the embedded backend can run a task, before anybody waits for it to do so.

    Args:
        template: The task's.
        allowed: `FLYTE_BRIDGE_TASK_ALLOW`.

    Raises:
        Unimplemented: It cannot, in the words that the attempt would end with.
        InvalidRequest: It requests what is no quantity.
    """
    from flyteidl2.core import tasks_pb2 as v2_tasks_pb2

    from flyte_bridge.embedded_client import refusal, target

    if template.type == plugin.ECHO:  # never an action: the driver does it itself
        return
    same = v2_tasks_pb2.TaskTemplate.FromString(template.SerializeToString())
    try:
        refused = refusal.refusal(
            same, target.read(same), accelerators="accelerators" in allowed, commands="commands" in allowed
        )
    except ValueError as error:
        raise InvalidRequest(str(error)) from None
    if refused:
        raise Unimplemented(
            f"{refused}; to register it all the same, and see it fail when it is run, set "
            "FLYTE_BRIDGE_TASK_ALLOW=registration"
        )


def check_attributes(attributes: matchable_resource_pb2.TaskResourceAttributes) -> None:
    """Hold that defaults can be given to tasks, and limits be compared with theirs; flyteadmin ignores what cannot.

    Raises:
        InvalidRequest: One is no quantity.
    """
    _platform(attributes.defaults)
    _platform(attributes.limits)


def _check_pod(
    task: identifier_pb2.Identifier,
    pod: tasks_pb2.K8sPod,
    most: Mapping[tasks_pb2.Resources.ResourceName, tuple[Decimal, str]],
) -> None:
    if not pod.HasField("pod_spec"):
        raise InvalidRequest(
            "invalid TaskSpecification, pod tasks should specify their target as a K8sPod with a defined pod spec"
        )
    from google.protobuf.json_format import MessageToDict

    spec = MessageToDict(pod.pod_spec)
    try:
        containers = [dict(container) for container in spec.get("containers") or ()]
        for container in containers:
            resources = dict(container.get("resources") or {})
            asked, at_most = ({
                _POD_NAMES[name.lower()]: _read(_POD_NAMES[name.lower()], str(value))
                for name, value in dict(resources.get(part) or {}).items()
                if name.lower() in _POD_NAMES
            } for part in ("requests", "limits"))  # fmt: skip
            _compare(task, asked, at_most, most)
    except (TypeError, ValueError, AttributeError) as error:  # any JSON may stand there
        raise InvalidRequest(f"failed to unmarshal the pod spec of task [{text(task)}]: {error}") from None


def _platform(
    limits: matchable_resource_pb2.TaskResourceSpec | None,
) -> dict[tasks_pb2.Resources.ResourceName, tuple[Decimal, str]]:
    if limits is None:
        return {}
    written = {
        _Resources.CPU: limits.cpu,
        _Resources.MEMORY: limits.memory,
        _Resources.GPU: limits.gpu,
        _Resources.EPHEMERAL_STORAGE: limits.ephemeral_storage,
    }
    read = {name: _read(name, value) for name, value in written.items() if value}
    return {name: value for name, value in read.items() if value[0]}  # 0 is no limit


def _read(name: int, written: str) -> tuple[Decimal, str]:
    try:
        return quantity(written), written
    except BadQuantity as error:
        raise InvalidRequest(
            f"Parsing of {_Resources.ResourceName.Name(name)} request failed for value {written} - reason  {error}. "
            "Please follow K8s conventions for resources "
            "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
        ) from None


def _entries(
    task: identifier_pb2.Identifier, entries: Iterable[tasks_pb2.Resources.ResourceEntry]
) -> dict[tasks_pb2.Resources.ResourceName, tuple[Decimal, str]]:
    found: dict[tasks_pb2.Resources.ResourceName, tuple[Decimal, str]] = {}
    for entry in entries:
        if entry.name not in _CHECKED:
            continue
        if entry.name in found:
            name = _Resources.ResourceName.Name(entry.name)
            raise InvalidRequest(f"can't specify {name} limit for task [{text(task)}] multiple times")
        found[entry.name] = _read(entry.name, entry.value)
        if entry.name == _Resources.GPU and found[entry.name][0] % 1:
            raise InvalidRequest(f"gpu for [{text(task)}] must be a whole number, got: {entry.value} instead")
    return found


def _compare(
    task: identifier_pb2.Identifier,
    requests: Mapping[tasks_pb2.Resources.ResourceName, tuple[Decimal, str]],
    limits: Mapping[tasks_pb2.Resources.ResourceName, tuple[Decimal, str]],
    most: Mapping[tasks_pb2.Resources.ResourceName, tuple[Decimal, str]],
) -> None:
    """Requests are not above limits, neither above the platform's; compared in whole units, as flyteadmin does."""
    for name, (asked, asked_text) in requests.items():
        told = _Resources.ResourceName.Name(name)
        limit = limits.get(name)
        if name == _Resources.GPU and limit is not None and math.ceil(asked) != math.ceil(limit[0]):
            raise InvalidRequest(
                f"For extended resource 'gpu' the default value must equal the limit value for task [{text(task)}]"
            )
        if name != _Resources.GPU and limit is not None and math.ceil(limit[0]) < math.ceil(asked):
            raise InvalidRequest(
                f"Requested {told} default [{asked_text}] is greater than the limit [{limit[1]}]. "
                "Please fix your configuration"
            )
        if name not in most:
            continue
        platform, platform_text = most[name]
        for what, value in (("limit", limit if name != _Resources.GPU else None), ("default", (asked, asked_text))):
            if value is not None and math.ceil(value[0]) > math.ceil(platform):
                raise InvalidRequest(
                    f"Requested {told} {what} [{value[1]}] is greater than current limit set in the platform configuration "
                    f"[{platform_text}]. Please contact Flyte Admins to change these limits or consult the configuration"
                )
