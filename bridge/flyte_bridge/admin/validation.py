"""What flyteadmin 1.16 asks of requests about entities, in its words (`pkg/manager/impl/validation/*.go`).

Each check returns nothing or raises `InvalidRequest`; what a check needs of Flyte 2 it is given.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from flyteidl.admin import common_pb2, project_pb2
from flyteidl.core import identifier_pb2
from flyteidl2.project import project_service_pb2

from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge_translators.wire import filter as filters
from flyte_bridge_translators.wire import phase
from flyte_bridge_translators.wire.compiler.problems import text
from flyte_bridge_translators.wire.enum_name import enum_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Protocol

    from google.protobuf.message import Message

    from flyte_bridge.backend.client import BackendClient

    class PageRequest(Protocol):
        """A request for a page of a list."""

        limit: int
        token: str

        @property
        def sort_by(self) -> common_pb2.Sort: ...

        def HasField(self, field_name: str, /) -> bool: ...  # noqa: N802 - protobuf's name

    class FilteredRequest(PageRequest, Protocol):
        """A request for a page of those rows of a list that conditions hold of."""

        filters: str


__all__ = ["text"]

TASK, WORKFLOW, LAUNCH_PLAN = identifier_pb2.TASK, identifier_pb2.WORKFLOW, identifier_pb2.LAUNCH_PLAN
KINDS = (TASK, WORKFLOW, LAUNCH_PLAN)

_MOST_LABELS = 16
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def missing(field: str) -> InvalidRequest:
    """The refusal of a request without a field."""
    return InvalidRequest(f"missing {field}")


def invalid(field: str) -> InvalidRequest:
    """The refusal of a request whose field has a value it cannot have."""
    return InvalidRequest(f"invalid value for {field}")


def given(value: str, field: str) -> None:
    """A text is not empty."""
    if not value:
        raise missing(field)


def parts(id_: Message, fields: Sequence[str] = ("project", "domain", "name", "version")) -> None:
    """The parts of an identifier are all there."""
    for field in fields:
        given(getattr(id_, field), field)


def identifier(request: Message, field: str, kind: identifier_pb2.ResourceType) -> identifier_pb2.Identifier:
    """A message's identifier: it is there, of this kind, and complete."""
    if not request.HasField(field):
        raise missing("id")
    id_: identifier_pb2.Identifier = getattr(request, field)
    if id_.resource_type != kind:
        told, expected = (enum_name(identifier_pb2.ResourceType, one).lower() for one in (id_.resource_type, kind))
        raise InvalidRequest(
            f"unexpected resource type {told} for identifier [{text(id_)}], expected {expected} instead"
        )
    parts(id_)
    return id_


def execution(id_: identifier_pb2.WorkflowExecutionIdentifier) -> None:
    """The parts of an execution's identifier are all there."""
    parts(id_, ("project", "domain", "name"))


def node_execution(request: Message, field: str) -> identifier_pb2.NodeExecutionIdentifier:
    """A message's identifier of a node: it is there, and complete."""
    if not request.HasField(field):
        raise missing("id")
    id_: identifier_pb2.NodeExecutionIdentifier = getattr(request, field)
    if not id_.HasField("execution_id"):
        raise missing("execution_id")
    given(id_.node_id, "node_id")
    execution(id_.execution_id)
    return id_


def task_execution(request: Message, field: str) -> identifier_pb2.TaskExecutionIdentifier:
    """A message's identifier of an attempt: it is there, of a task, and complete."""
    if not request.HasField(field):
        raise missing("id")
    id_: identifier_pb2.TaskExecutionIdentifier = getattr(request, field)
    if not id_.HasField("node_execution_id"):
        raise missing("node_execution_id")
    node_execution(id_, "node_execution_id")
    if not id_.HasField("task_id"):
        raise missing("task_id")
    identifier(id_, "task_id", TASK)
    return id_


def entity_kind(kind: identifier_pb2.ResourceType) -> None:
    """A resource type is one."""
    if kind == identifier_pb2.UNSPECIFIED or kind not in identifier_pb2.ResourceType.values():
        raise invalid("resource_type")


# -- lists ------------------------------------------------------------------------------------------------------------


def conditions(written: str, entity: str) -> tuple[filters.Filter, ...]:
    """A request's filters."""
    try:
        return filters.parse(written, entity)
    except filters.BadFilter as error:
        raise InvalidRequest(str(error)) from None


def order(request: PageRequest, entity: str) -> filters.SortOrder | None:
    """A request's sort order."""
    try:
        return filters.order(request.sort_by if request.HasField("sort_by") else None, entity)
    except filters.BadFilter as error:
        raise InvalidRequest(str(error)) from None


class RowQuery(NamedTuple):
    """What a list is asked for beside its scope: which rows, in which order, and how many of them to skip."""

    conditions: tuple[filters.Filter, ...]
    order: filters.SortOrder | None
    start: int


def query(request: FilteredRequest, entity: str, call: str) -> RowQuery:
    """What a list is asked for; what is wrong with it is told in flyteadmin's order: limit, filters, order, token."""
    limit(request)
    return RowQuery(conditions(request.filters, entity), order(request, entity), offset(request.token, call))


def limit(request: PageRequest) -> None:
    """A list asks for rows."""
    try:
        filters.check_limit(request.limit)
    except filters.BadFilter as error:
        raise InvalidRequest(str(error)) from None


def page(request: PageRequest, call: str) -> int:
    """How many rows a request's token skips; its limit is not 0."""
    limit(request)
    return offset(request.token, call)


def offset(token: str, call: str) -> int:
    """How many rows a token skips."""
    try:
        return filters.offset(token, call)
    except filters.BadFilter as error:
        raise InvalidRequest(str(error)) from None


# -- projects ---------------------------------------------------------------------------------------------------------


async def project_and_domain(backend: BackendClient, project: str, domain: str) -> None:
    """A project is registered and active, and has the domain."""
    try:
        found = await backend.get_project(project_id=project)
    except (NotFound, InvalidRequest):
        raise InvalidRequest(
            f"failed to validate that project [{project}] and domain [{domain}] are registered, "
            f"err: [project [{project}] not found]"
        ) from None
    if found.state != project_service_pb2.PROJECT_STATE_ACTIVE:
        raise InvalidRequest(f"project [{project}] is not active", project_pb2.InactiveProject(id=project))
    if domain not in {one.id for one in found.domains}:
        raise InvalidRequest(f"domain [{domain}] is unrecognized by system")


async def project_exists(backend: BackendClient, project: str, *, active: bool) -> project_service_pb2.Project:
    """A project is registered.

    Args:
        backend: The Flyte 2.
        project: Its id.
        active: Whether it must be active, too.
    """
    try:
        found = await backend.get_project(project_id=project)
    except (NotFound, InvalidRequest):
        what = "is registered" if active else "exists"
        raise InvalidRequest(
            f"failed to validate that project [{project}] {what}, err: [project [{project}] not found]"
        ) from None
    if active and found.state != project_service_pb2.PROJECT_STATE_ACTIVE:
        raise InvalidRequest(f"project [{project}] is not active")
    return found


def dns_label(value: str) -> list[str]:
    """What is wrong with a DNS-1123 label."""
    wrong = []
    if len(value) > 63:
        wrong.append("must be no more than 63 characters")
    if not _LABEL.fullmatch(value):
        wrong.append(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
            "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        )
    return wrong


def labels(values: Mapping[str, str]) -> None:
    """Labels are such as Kubernetes takes, and not too many."""
    if len(values) > _MOST_LABELS:
        raise InvalidRequest(f"labels map cannot exceed {_MOST_LABELS} entries")
    for key, value in values.items():
        if wrong := _qualified_name(key):
            raise InvalidRequest(f"invalid label key [{key}]: {_listed(wrong)}")
        if wrong := _label_value(value):
            raise InvalidRequest(f"invalid label value [{value}]: {_listed(wrong)}")


def notifications(asked: Iterable[common_pb2.Notification]) -> None:
    """Whom to tell of an execution's end (`validation/notifications_validator.go`)."""
    for notification in asked:
        kind = notification.WhichOneof("type")
        if kind is None:
            raise invalid("notification type")
        recipients = getattr(notification, kind).recipients_email
        if not recipients:
            raise missing("recipients")
        for recipient in recipients:
            given(recipient, "recipient")
        if any(value not in phase.ENDED for value in notification.phases):
            raise invalid("phase")


def _qualified_name(key: str) -> list[str]:
    prefix, slash, name = key.rpartition("/")
    wrong = []
    if slash and (not prefix or len(prefix) > 253 or not _SUBDOMAIN.fullmatch(prefix)):
        wrong.append("prefix part must be a lowercase RFC 1123 subdomain")
    if not name:
        wrong.append("name part must be non-empty")
    elif len(name) > 63:
        wrong.append("name part must be no more than 63 characters")
    if not _QUALIFIED.fullmatch(name):
        wrong.append(
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
            "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )
    return wrong


def _label_value(value: str) -> list[str]:
    wrong = []
    if len(value) > 63:
        wrong.append("must be no more than 63 characters")
    if value and not _QUALIFIED.fullmatch(value):
        wrong.append(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
            "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
            "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        )
    return wrong


def _listed(texts: Iterable[str]) -> str:
    """A list of texts as Go prints it."""
    return f"[{' '.join(texts)}]"
