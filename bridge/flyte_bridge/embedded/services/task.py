"""TaskService: deployed tasks and their versions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flyteidl2.common import list_pb2
from flyteidl2.task import common_pb2, task_definition_pb2
from flyteidl2.task import task_service_pb2 as pb

from flyte_bridge.backend.keys import TaskKey
from flyte_bridge.backend.moments import to_timestamp
from flyte_bridge.embedded import filters, messages, names
from flyte_bridge.embedded.faults import InvalidRequest
from flyte_bridge.embedded.filters import Column, ColumnKind, OrderBy, Query
from flyte_bridge.embedded.model import TaskRecord
from flyte_bridge.embedded.services import listing
from flyte_bridge.embedded.services.identity import subject_of
from flyte_bridge.embedded.services.trigger import deployments_of_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyteidl2.core import tasks_pb2

    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.registry import Projects, Tasks
    from flyte_bridge.embedded.store import Store
    from flyte_bridge.embedded.triggers.repository import TriggerRepository

_MAX_NAME = 255  # proto-only on the real backend
_MAX_VERSION = 255

_COUNTS = "SELECT {what} FROM triggers g WHERE g.project = t.project AND g.domain = t.domain AND g.task_name = t.name"
_TOTAL = f"({_COUNTS.format(what='count(*)')} AND g.deleted_at IS NULL)"
_ACTIVE = f"({_COUNTS.format(what='coalesce(sum(g.active), 0)')} AND g.deleted_at IS NULL)"

_COLUMNS = {
    "project": Column("t.project"),
    "domain": Column("t.domain"),
    "name": Column("t.name"),
    "version": Column("t.version"),
    "environment": Column("t.environment"),
    "function_name": Column("t.function_name"),
    "deployed_by": Column("t.deployed_by"),
    "created_at": Column("t.created_at", ColumnKind.TIME),
    "updated_at": Column("t.updated_at", ColumnKind.TIME),
    "total_triggers": Column(_TOTAL, ColumnKind.NUMBER),
    "active_triggers": Column(_ACTIVE, ColumnKind.NUMBER),
    "env_description": Column("t.env_description"),
    "short_description": Column("t.short_description"),
}
_VERSION_COLUMNS = {"version": _COLUMNS["version"], "created_at": _COLUMNS["created_at"]}
_NEWEST = (OrderBy(_COLUMNS["created_at"], descending=True),)
_ID = OrderBy(Column("t.id"), descending=True)
_LATEST = """
t.id = (SELECT l.id FROM tasks l WHERE l.project = t.project AND l.domain = t.domain AND l.name = t.name{more}
        ORDER BY l.created_at DESC, l.id DESC LIMIT 1)
"""
_OF_LATEST = {name: Column(re.sub(r"\bt\.", "l.", column.sql), column.kind) for name, column in _COLUMNS.items()}
"""The columns within `_LATEST`: as on the real backend, the latest is that of the versions which the filters leave."""


class TaskService:
    """Tasks."""

    def __init__(
        self,
        store: Store,
        tasks: Tasks,
        projects: Projects,
        triggers: TriggerRepository,
        ledger: Ledger,
        wake: Callable[[], None],
        expect: Callable[[tasks_pb2.TaskTemplate], None],
    ) -> None:
        """Takes its sources; `wake` is called when triggers change, `expect` for what may be run soon."""
        self._store = store
        self._tasks = tasks
        self._projects = projects
        self._triggers = triggers
        self._ledger = ledger
        self._wake = wake
        self._expect = expect

    async def deploy_task(self, request: pb.DeployTaskRequest, ctx: Any) -> pb.DeployTaskResponse:
        """Deploys a version with its triggers, or replaces it: versions are mutable, as on the real backend."""
        key, spec = messages.task_key(request.task_id), request.spec
        self._check(key, spec)
        deployments = deployments_of_task(request, self._store.clock.now())
        now = self._store.clock.now()
        function = key.name.rpartition(".")[2]
        record = TaskRecord(
            key=key,
            spec=spec.SerializeToString(),
            short_name=names.limit("short name", spec.short_name) or function,
            environment=names.limit("environment", spec.environment.name),
            function_name=function,
            env_description=spec.environment.description,
            short_description=spec.documentation.short_description,
            deployed_by=subject_of(ctx),
            created_at=now,
            updated_at=now,
            is_entrypoint=spec.task_template.metadata.is_entrypoint,
        )
        with self._store.transaction():
            self._tasks.deploy(record)
            self._triggers.replace_for_task(key.project, key.domain, key.name, deployments)
        if deployments:
            self._wake()
        self._expect(request.spec.task_template)
        return pb.DeployTaskResponse()

    def _check(self, key: TaskKey, spec: task_definition_pb2.TaskSpec) -> None:
        self._projects.get(key.project)
        names.domain(key.domain)
        for what, text, longest in (("name", key.name, _MAX_NAME), ("version", key.version, _MAX_VERSION)):
            if not text or len(text) > longest:
                raise InvalidRequest(f"task {what} {text[:40]!r} must have 1 to {longest} characters, not {len(text)}")
        if not spec.HasField("task_template"):
            raise InvalidRequest(f"task {key}: the spec has no task_template")
        names.limit("task type", spec.task_template.type)

    async def get_task_details(self, request: pb.GetTaskDetailsRequest, _ctx: Any) -> pb.GetTaskDetailsResponse:
        """One version, whole; without a version the latest."""
        key = messages.task_key(request.task_id)
        record = None if key.version else self._tasks.latest(key.project, key.domain, key.name)
        record = record or self._tasks.get(key)
        details = task_definition_pb2.TaskDetails(
            task_id=messages.task_id(record.key),
            metadata=self._metadata(record),
            spec=task_definition_pb2.TaskSpec.FromString(record.spec),
        )
        return pb.GetTaskDetailsResponse(details=details)

    async def list_tasks(self, request: pb.ListTasksRequest, _ctx: Any) -> pb.ListTasksResponse:
        """The latest version of each task."""
        query = filters.read(request.request, _COLUMNS, _NEWEST, (_ID,))
        left = filters.read(list_pb2.ListRequest(filters=request.request.filters), _OF_LATEST, _NEWEST, ())
        query.where(_LATEST.format(more="".join(f" AND {clause}" for clause in left.clauses)), *left.values)
        if request.WhichOneof("scope_by") == "project_id":
            _scope(query, request.project_id.name, request.project_id.domain)
        total = self._tasks.names(self._scope_values(request))
        for known in request.known_filters:
            which = known.WhichOneof("filter_by")
            if which == "deployed_by":
                query.where("t.deployed_by = ?", known.deployed_by)
            elif which == "is_entrypoint":
                query.where("t.is_entrypoint = ?", int(known.is_entrypoint))
        matching = self._tasks.count(query.conditions, query.values)
        records, token = self._page(query)
        return pb.ListTasksResponse(
            tasks=[self._task(record) for record in records],
            token=token,
            metadata=pb.ListTasksResponse.ListTasksMetadata(total=total, filtered_total=matching),
        )

    @staticmethod
    def _scope_values(request: pb.ListTasksRequest) -> list[str]:
        if request.WhichOneof("scope_by") != "project_id":
            return []
        return [request.project_id.name, request.project_id.domain]

    async def list_versions(self, request: pb.ListVersionsRequest, _ctx: Any) -> pb.ListVersionsResponse:
        """All versions of a task, newest first."""
        query = filters.read(request.request, _VERSION_COLUMNS, _NEWEST, (_ID,))
        name = request.task_name
        _scope(query, name.project, name.domain)
        query.where("t.name = ?", name.name)
        records, token = self._page(query)
        versions = [
            pb.ListVersionsResponse.VersionResponse(
                version=record.key.version,
                deployed_at=to_timestamp(record.created_at),
                deployed_by=messages.identity(record.deployed_by),
                latest_run=self._latest_run(record.key, any_version=False),
            )
            for record in records
        ]
        return pb.ListVersionsResponse(versions=versions, token=token)

    def _page(self, query: Query) -> tuple[list[TaskRecord], str]:
        sql, values = query.tail()
        extra = ", ".join(f"{order.column.sql} AS sort_{n}" for n, order in enumerate(query.order))
        found = self._tasks.rows(extra, sql, values)
        rows, token = filters.page(query, found, lambda row: [row[f"sort_{n}"] for n in range(len(query.order))])
        return [self._tasks.load(row) for row in rows], token

    def _task(self, record: TaskRecord) -> task_definition_pb2.Task:
        return task_definition_pb2.Task(
            task_id=messages.task_id(record.key),
            metadata=self._metadata(record),
            task_summary=task_definition_pb2.TaskSummary(latest_run=self._latest_run(record.key, any_version=True)),
        )

    def _metadata(self, record: TaskRecord) -> task_definition_pb2.TaskMetadata:
        metadata = task_definition_pb2.TaskMetadata(
            short_name=record.short_name,
            deployed_at=to_timestamp(record.created_at),
            environment_name=record.environment,
            short_description=record.short_description,
        )
        if record.deployed_by:
            metadata.deployed_by.CopyFrom(messages.identity(record.deployed_by))
        rows = self._store.all(
            "SELECT name, active, automation FROM triggers "
            "WHERE project = ? AND domain = ? AND task_name = ? AND deleted_at IS NULL",
            (record.key.project, record.key.domain, record.key.name),
        )
        if len(rows) == 1:
            details = metadata.triggers_summary.details
            details.name, details.active = rows[0]["name"], bool(rows[0]["active"])
            details.automation_spec.CopyFrom(common_pb2.TriggerAutomationSpec.FromString(rows[0]["automation"]))
        elif rows:
            metadata.triggers_summary.stats.total = len(rows)
            metadata.triggers_summary.stats.active = sum(bool(row["active"]) for row in rows)
        return metadata

    def _latest_run(self, key: TaskKey, *, any_version: bool) -> task_definition_pb2.LatestRunSummary | None:
        record = listing.latest_run(self._ledger, key, any_version=any_version)
        if record is None:
            return None
        return task_definition_pb2.LatestRunSummary(
            run_id=messages.run_id(record.key.run_key),
            run_time=to_timestamp(record.created_at),
            phase=record.phase.number,
            root_task_name=record.task.name if record.task else "",
        )


def _scope(query: Query, project: str, domain: str) -> None:
    if project:
        query.where("t.project = ?", project)
    if domain:
        query.where("t.domain = ?", domain)
