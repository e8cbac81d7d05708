"""TriggerService: deploy, read, list, (de)activate and delete triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.common import identifier_pb2
from flyteidl2.task import common_pb2
from flyteidl2.trigger import trigger_definition_pb2 as definition
from flyteidl2.trigger import trigger_service_pb2 as pb

from flyte_bridge.backend.keys import TaskKey, TriggerKey
from flyte_bridge.backend.moments import to_datetime, to_timestamp
from flyte_bridge.backend.trigger_schedule import ScheduleError, UnsupportedAutomation, check
from flyte_bridge.embedded import filters
from flyte_bridge.embedded.faults import InvalidRequest, NotSupported
from flyte_bridge.embedded.filters import Column, ColumnKind, OrderBy
from flyte_bridge.embedded.triggers.repository import Deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyteidl2.task import task_service_pb2

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.clock import Clock
    from flyte_bridge.embedded.model import TriggerRecord
    from flyte_bridge.embedded.registry import Tasks
    from flyte_bridge.embedded.triggers.repository import Revision, TriggerRepository

_COLUMNS = {
    "project": Column("project"),
    "domain": Column("domain"),
    "task_name": Column("task_name"),
    "name": Column("name"),
    "active": Column("active", ColumnKind.NUMBER),
    "deployed_at": Column("deployed_at", ColumnKind.TIME),
    "updated_at": Column("updated_at", ColumnKind.TIME),
    "task_version": Column("task_version"),
    "automation_type": Column("automation_type"),
}
_DEFAULT_ORDER = (OrderBy(_COLUMNS["active"], descending=True), OrderBy(_COLUMNS["updated_at"], descending=True))
_TIE = tuple(OrderBy(_COLUMNS[name]) for name in ("project", "domain", "task_name", "name"))
_HISTORY_COLUMNS = {"revision": Column("revision", ColumnKind.NUMBER)}
_BOOLEANS = {"true": "1", "false": "0"}

_MAX_NAME = 255


class TriggerService:
    """The service over a repository; every change wakes the scheduler."""

    def __init__(self, repository: TriggerRepository, tasks: Tasks, clock: Clock, wake: Callable[[], None]) -> None:
        """Args:
        repository: The triggers.
        tasks: What is deployed, for triggers must have a task.
        clock: Tells the time.
        wake: Called after each change.
        """
        self._repository = repository
        self._tasks = tasks
        self._clock = clock
        self._wake = wake

    async def deploy_trigger(self, request: pb.DeployTriggerRequest, _ctx: Any) -> pb.DeployTriggerResponse:
        """Adds or replaces a trigger; NOT_FOUND without its task, FAILED_PRECONDITION at another revision."""
        key = _key(request.name, with_task=True)
        if not request.spec.task_version:
            raise InvalidRequest(
                f"trigger {key}: spec.task_version is missing; a trigger starts one version of its task"
            )
        self._tasks.get(TaskKey(key.project, key.domain, key.task_name, request.spec.task_version))
        deployed = deployment(key, request.spec, request.automation_spec, self._clock.now())
        record = self._repository.deploy(deployed, request.revision)
        self._wake()
        return pb.DeployTriggerResponse(trigger=_details(record))

    async def get_trigger_details(
        self, request: pb.GetTriggerDetailsRequest, _ctx: Any
    ) -> pb.GetTriggerDetailsResponse:
        """One trigger as it stands; NOT_FOUND if there is none."""
        return pb.GetTriggerDetailsResponse(trigger=_details(self._repository.get(_key(request.name))))

    async def get_trigger_revision_details(
        self, request: pb.GetTriggerRevisionDetailsRequest, _ctx: Any
    ) -> pb.GetTriggerRevisionDetailsResponse:
        """One trigger as it was; NOT_FOUND if it had no such revision."""
        record = self._repository.revision(_key(request.id.name, with_task=True), request.id.revision)
        return pb.GetTriggerRevisionDetailsResponse(trigger=_details(record))

    async def list_triggers(self, request: pb.ListTriggersRequest, _ctx: Any) -> pb.ListTriggersResponse:
        """Triggers, those that are active first; organisation as scope means all."""
        query = filters.read(request.request, _COLUMNS, _DEFAULT_ORDER, _TIE, special=_active)
        query.where("deleted_at IS NULL")
        scope = request.WhichOneof("scope_by")
        if scope == "project_id":
            query.where("project = ? AND domain = ?", request.project_id.name, request.project_id.domain)
        elif scope in {"task_id", "task_name"}:
            task = request.task_id if scope == "task_id" else request.task_name
            query.where("project = ? AND domain = ? AND task_name = ?", task.project, task.domain, task.name)
            if scope == "task_id" and request.task_id.version:
                query.where("task_version = ?", request.task_id.version)
        records, token = filters.page(query, self._repository.select(query), lambda record: _sorted_by(query, record))
        return pb.ListTriggersResponse(triggers=[_listed(record) for record in records], token=token)

    async def get_trigger_revision_history(
        self, request: pb.GetTriggerRevisionHistoryRequest, _ctx: Any
    ) -> pb.GetTriggerRevisionHistoryResponse:
        """A trigger's revisions, newest first; also of one that is deleted."""
        if request.request.filters or request.request.sort_by_fields or request.request.HasField("sort_by"):
            raise InvalidRequest("a revision history is neither filtered nor sorted: it comes newest first")
        query = filters.read(request.request, _HISTORY_COLUMNS, (OrderBy(_HISTORY_COLUMNS["revision"]),), ())
        key = _key(request.name, with_task=True)
        revisions = self._repository.history(key, query.limit + 1, query.offset)
        token = str(query.offset + query.limit) if len(revisions) > query.limit else ""
        return pb.GetTriggerRevisionHistoryResponse(
            triggers=[_revision(revision) for revision in revisions[: query.limit]], token=token
        )

    async def update_triggers(self, request: pb.UpdateTriggersRequest, _ctx: Any) -> pb.UpdateTriggersResponse:
        """Activates or deactivates; NOT_FOUND if one does not exist, and then none is changed."""
        self._repository.set_active([_key(name, with_task=True) for name in request.names], request.active)
        self._wake()
        return pb.UpdateTriggersResponse()

    async def delete_triggers(self, request: pb.DeleteTriggersRequest, _ctx: Any) -> pb.DeleteTriggersResponse:
        """Deletes; NOT_FOUND if one does not exist, and then none is deleted."""
        keys = [_key(name, with_task=True) for name in request.names]
        for key in keys:
            self._repository.get(key)
        self._repository.delete(keys)
        self._wake()
        return pb.DeleteTriggersResponse()


def deployment(
    key: TriggerKey, spec: definition.TriggerSpec, automation: common_pb2.TriggerAutomationSpec, now: Micros
) -> Deployment:
    """Checks what a trigger is to be deployed with.

    Raises:
        InvalidRequest: The name, or a schedule that cannot be followed.
        NotSupported: It waits for artifacts.
    """
    if not key.name or len(key.name) > _MAX_NAME:
        raise InvalidRequest(f"trigger name {key.name!r} must have 1 to {_MAX_NAME} characters")
    try:
        check(automation, to_datetime(now))
    except UnsupportedAutomation as error:
        raise NotSupported(f"trigger {key}: {error}") from error
    except ScheduleError as error:
        raise InvalidRequest(f"trigger {key}: {error}") from error
    stored = common_pb2.TriggerAutomationSpec()
    stored.CopyFrom(automation)
    # The SDK sets it, other clients may not; what is set decides.
    stored.type = common_pb2.TYPE_SCHEDULE if stored.HasField("schedule") else common_pb2.TYPE_NONE
    return Deployment(
        key=key,
        active=spec.active,
        task_version=spec.task_version,
        spec=spec.SerializeToString(deterministic=True),
        automation=stored.SerializeToString(deterministic=True),
        automation_type=common_pb2.TriggerAutomationSpecType.Name(stored.type),
        description=spec.description,
    )


def deployments_of_task(request: task_service_pb2.DeployTaskRequest, now: Micros) -> list[Deployment]:
    """The triggers a task brings with it, checked, for `TriggerRepository.replace_for_task`.

    Raises:
        InvalidRequest, NotSupported: As `deployment`.
    """
    task = request.task_id
    found = []
    for trigger in request.triggers:
        spec = definition.TriggerSpec(
            active=trigger.spec.active,
            task_version=task.version,
            description=trigger.spec.description,
            run_spec=trigger.spec.run_spec if trigger.spec.HasField("run_spec") else None,
        )
        if trigger.spec.HasField("offloaded_input_data"):
            spec.offloaded_input_data.CopyFrom(trigger.spec.offloaded_input_data)
        elif trigger.spec.HasField("inputs"):
            spec.inputs.CopyFrom(trigger.spec.inputs)
        key = TriggerKey(task.project, task.domain, task.name, trigger.name)
        found.append(deployment(key, spec, trigger.automation_spec, now))
    return found


def _active(query: filters.Query, one: Any) -> bool:
    """Filters on `active` come as `true`, `t` or `1`, as PostgreSQL takes them."""
    if one.field != "active":
        return False
    spelled = [_BOOLEANS.get({"t": "true", "f": "false"}.get(v.lower(), v.lower()), v) for v in one.values]
    translated = type(one)(function=one.function, field=one.field, values=spelled)
    filters.apply(query, translated, _COLUMNS["active"])
    return True


def _sorted_by(query: filters.Query, record: TriggerRecord) -> list[Any]:
    fields = {
        "project": record.key.project,
        "domain": record.key.domain,
        "task_name": record.key.task_name,
        "name": record.key.name,
        "active": int(record.active),
        "deployed_at": record.deployed_at,
        "updated_at": record.updated_at,
        "task_version": record.task_version,
        "automation_type": common_pb2.TriggerAutomationSpecType.Name(_automation(record).type),
    }
    return [fields[order.column.sql] for order in query.order]


def _key(name: identifier_pb2.TriggerName, with_task: bool = False) -> TriggerKey:
    missing = [part for part in ("project", "domain", "name") if not getattr(name, part)]
    if with_task and not name.task_name:
        missing.append("task_name")
    if missing:
        raise InvalidRequest(f"the trigger's {' and '.join(missing)} must be given")
    return TriggerKey(name.project, name.domain, name.task_name, name.name)


def _identifier(record: TriggerRecord) -> identifier_pb2.TriggerIdentifier:
    key = record.key
    name = identifier_pb2.TriggerName(project=key.project, domain=key.domain, task_name=key.task_name, name=key.name)
    return identifier_pb2.TriggerIdentifier(name=name, revision=record.revision)


def _automation(record: TriggerRecord) -> common_pb2.TriggerAutomationSpec:
    return common_pb2.TriggerAutomationSpec.FromString(record.automation)


def _status(record: TriggerRecord) -> definition.TriggerStatus:
    def told(at: Micros | None) -> Any:
        return None if at is None else to_timestamp(at)

    return definition.TriggerStatus(
        deployed_at=told(record.deployed_at),
        updated_at=told(record.updated_at),
        triggered_at=told(record.triggered_at),
        deleted_at=told(record.deleted_at),
    )


def _details(record: TriggerRecord) -> definition.TriggerDetails:
    spec = definition.TriggerSpec.FromString(record.spec)
    spec.active = record.active
    return definition.TriggerDetails(
        id=_identifier(record),
        spec=spec,
        status=_status(record),
        automation_spec=_automation(record),
        description=record.description or None,
    )


def _listed(record: TriggerRecord) -> definition.Trigger:
    return definition.Trigger(
        id=_identifier(record), status=_status(record), active=record.active, automation_spec=_automation(record)
    )


def _revision(revision: Revision) -> definition.TriggerRevision:
    return definition.TriggerRevision(
        id=_identifier(revision.trigger),
        status=_status(revision.trigger),
        action=revision.action,
        created_at=to_timestamp(revision.created_at),
    )
