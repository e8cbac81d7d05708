"""What of Flyte 1's API is served: every RPC, and every field of every request.

A field is *served* when some code of the façade reads it (a test looks for that code), *refused* when setting it is answered
UNIMPLEMENTED by name, *kept* when it is stored and told again but nothing acts on it, for a reason, and *carried* when it is
a message of `flyteidl.core`, which goes on as it is and whose own fields the translators in `wire/` answer for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flyte_bridge.admin import descriptors, launch_plans
from flyte_bridge.admin.methods import METHODS, NEVER, Method
from flyte_bridge.admin.service import PARTS
from flyte_bridge.launch import platform_settings
from flyte_bridge_translators.wire import execution

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from google.protobuf.descriptor import Descriptor, FieldDescriptor

Verdict = Literal["served", "refused", "kept", "carried"]

OURS = ("flyteidl.admin.", "flyteidl.service.", "grpc.health.")
"""Packages whose messages are looked into."""

REFUSED: dict[str, str] = {
    **{f"flyteidl.admin.LaunchPlanSpec.{name}": advice for name, advice in launch_plans.REFUSED.items()},
    **{f"flyteidl.admin.ExecutionSpec.{name}": advice for name, (_, advice) in execution.ELSEWHERE.items()},
    **{f"flyteidl.admin.MatchingAttributes.{name}": advice for name, advice in platform_settings.NO_EFFECT.items()},
    "flyteidl.admin.WorkflowExecutionConfig.execution_env_assignments": platform_settings.NO_ENVIRONMENTS,
    "flyteidl.admin.LaunchPlanMetadata.launch_conditions": "flyteadmin refuses it, too (INVALID_ARGUMENT)",
}
"""Fields that are refused by name when they are set, and what to do instead."""

KEPT: dict[str, str] = {
    "flyteidl.admin.CronSchedule.offset": "flyteadmin's scheduler does not read it either; shift the cron expression",
    "flyteidl.admin.TaskResourceSpec.storage": "flyteadmin has no use for it either; ephemeral_storage is what pods get",
    "flyteidl.admin.Description.icon_link": "documentation is stored and told as it came",
    "flyteidl.admin.ExecutionMetadata.artifact_ids": "told again with the execution; Flyte 1 fills them itself",
    "flyteidl.admin.SystemMetadata.namespace": "told again with the execution; Flyte 2 decides where a run's pods live",
}
"""Fields that are stored and told again without any effect, and why that is right."""

ORGANISATION = "Flyte 1.16 has one organisation, and ignores which is named"
"""Why every `org` is kept and no more."""


@dataclass(frozen=True)
class Field:
    """A field of a request, or of what a request contains.

    Attributes:
        message: Full name of the message.
        name: The field's.
        verdict: What becomes of it.
        why: Advice for what is refused, the reason for what is kept; else empty.
    """

    message: str
    name: str
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True)
class Rpc:
    """An RPC.

    Attributes:
        service: Its service's name, without the package.
        name: Its own.
        why: Why it is not served; empty if it is.
    """

    service: str
    name: str
    why: str

    @property
    def served(self) -> bool:
        """Whether it is answered."""
        return not self.why


def rpcs() -> list[Rpc]:
    """Every RPC there is, in the order of the services."""
    answered = {name for part in PARTS for name in dir(part)}
    return [Rpc(*_names(method), _why_not(method, answered)) for method in METHODS.values()]


def _names(method: Method) -> tuple[str, str]:
    return method.path.split("/")[1].rpartition(".")[2], method.name


def _why_not(method: Method, answered: set[str]) -> str:
    if method.name in NEVER:
        return NEVER[method.name]
    return "" if method.handler_name in answered else "not yet"


def fields() -> list[Field]:
    """Every field of the requests of the RPCs that are served, and of the messages in them, each message once."""
    served = {rpc.name for rpc in rpcs() if rpc.served}
    messages = _reachable(descriptors.of(method.request) for method in METHODS.values() if method.name in served)
    return [_judged(field) for message in messages for field in message.fields]


def _judged(field: FieldDescriptor) -> Field:
    assert field.containing_type is not None  # extensions have none, and proto3 no extensions
    message, name = field.containing_type.full_name, field.name
    full = f"{message}.{name}"
    if full in REFUSED:
        return Field(message, name, "refused", REFUSED[full])
    if full in KEPT:
        return Field(message, name, "kept", KEPT[full])
    if name == "org":
        return Field(message, name, "kept", ORGANISATION)
    inner = _inner(field)
    foreign = inner is not None and inner.full_name.startswith("flyteidl.core.")
    return Field(message, name, "carried" if foreign else "served")


def _reachable(descriptors: Iterable[Descriptor]) -> Iterator[Descriptor]:
    """Messages of `OURS` that are in these, themselves included, each once; what is refused is not looked into."""
    seen: set[str] = set()
    waiting = list(descriptors)[::-1]
    while waiting:
        message = waiting.pop()
        if message.full_name in seen or not message.full_name.startswith(OURS):
            continue
        seen.add(message.full_name)
        yield message
        taken = [field for field in message.fields[::-1] if f"{message.full_name}.{field.name}" not in REFUSED]
        waiting += [inner for field in taken if (inner := _inner(field)) is not None]


def _inner(field: FieldDescriptor) -> Descriptor | None:
    """The message that a field holds; of a map, what its values are."""
    message = field.message_type
    if message is not None and message.GetOptions().map_entry:
        message = message.fields_by_name["value"].message_type
    return message


def counts() -> Mapping[str, int]:
    """How many fields there are of each verdict."""
    told = [field.verdict for field in fields()]
    return {verdict: told.count(verdict) for verdict in ("served", "carried", "kept", "refused")}
