"""The embedded backend's own words: what an action, a task, a project *is* once protobuf is left at the edge.

The unified model of Flyte 2: a run is an action without a parent, named `a0`. Identity is (project, domain, run,
action); the organisation is ignored, because the SDK sends it empty from the client and as `local` from a task.
Specs stay serialized `flyteidl2` messages: the store never has to understand them to keep them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, cast

from flyteidl2.core import catalog_pb2
from flyteidl2.project import project_service_pb2
from flyteidl2.task import common_pb2
from flyteidl2.workflow import run_definition_pb2

if TYPE_CHECKING:
    from flyte_bridge.backend.keys import ActionKey, TaskKey, TriggerKey
    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.backend.phases import Phase


class ActionType(IntEnum):
    """What kind of work an action is; the numbers are `flyteidl2.workflow.ActionType`'s."""

    TASK = 1
    TRACE = 2
    CONDITION = 3

    @property
    def number(self) -> run_definition_pb2.ActionType:
        """As messages have it."""
        return cast("run_definition_pb2.ActionType", int(self))


class EventKind(IntEnum):
    """What an entry of the log says. Each kind has one message as its body.

    | kind | body |
    |---|---|
    | CREATED | JSON of the whole record; the task's spec is stored once per digest beside the log |
    | STATUS | JSON of an `events.Change`: what changed about the action |
    | ATTEMPT | `workflow.ActionEvent`, serialized: something happened to one attempt |
    """

    CREATED = 1
    ATTEMPT = 2
    STATUS = 3


@dataclass(frozen=True)
class ActionRecord:
    """An action as it stands: the fold of its log.

    Attributes:
        id: The store's number for it; grows with creation.
        version: Sequence number of the last entry of the log that is folded in.
        attempts: How many attempts were started; 1 from the beginning, as the real backend counts.
        cache_status: `core.CatalogCacheStatus`.
        input_uri: The directory or the `inputs.pb` itself, as the caller gave it.
        run_output_base: The prefix all outputs of the run lie under.
        output_uri: For a task the *directory* with `outputs.pb`, for a trace the file; empty until known.
        run_spec: Serialized `task.RunSpec`; on a child the one it inherited.
        spec: Serialized `workflow.ConditionAction` or `workflow.TraceAction`; empty for tasks.
        spec_digest: Key of the serialized `task.TaskSpec`; empty where there is none.
        error: Serialized `workflow.ErrorInfo`.
        abort: Serialized `workflow.AbortInfo`.
        signal: Serialized `workflow.SignalInfo`.
        source: `workflow.RunSource`.
        recovered_from: `project/domain/run/action` whose outputs this action took over.
    """

    id: int
    key: ActionKey
    parent: str | None
    type: ActionType
    phase: Phase
    version: int
    created_at: Micros
    updated_at: Micros
    group: str = ""
    started_at: Micros | None = None
    ended_at: Micros | None = None
    attempts: int = 1
    cache_status: catalog_pb2.CatalogCacheStatus = catalog_pb2.CACHE_DISABLED
    subject: str = ""
    source: run_definition_pb2.RunSource = run_definition_pb2.RUN_SOURCE_UNSPECIFIED
    trigger: TriggerKey | None = None
    trigger_revision: int = 0
    trigger_type: common_pb2.TriggerAutomationSpecType = common_pb2.TYPE_UNSPECIFIED
    task: TaskKey | None = None
    task_type: str = ""
    short_name: str = ""
    function_name: str = ""
    environment: str = ""
    cache_key: str = ""
    input_uri: str = ""
    run_output_base: str = ""
    output_uri: str = ""
    report_uri: str = ""
    spec_digest: bytes = b""
    spec: bytes = b""
    run_spec: bytes = b""
    error: bytes = b""
    abort: bytes = b""
    signal: bytes = b""
    recovered_from: str = ""

    @property
    def duration_ms(self) -> int:
        """Milliseconds from start to end; 0 while it is open."""
        if self.ended_at is None:
            return 0
        return max(0, self.ended_at - (self.started_at or self.created_at)) // 1000


@dataclass(frozen=True)
class LogEntry:
    """One entry of the append-only log."""

    seq: int
    action_id: int
    kind: EventKind
    at: Micros
    attempt: int
    phase: Phase
    body: bytes


@dataclass(frozen=True)
class TaskRecord:
    """A deployed version of a task.

    Attributes:
        spec: Serialized `task.TaskSpec`.
        is_entrypoint: The task says it is meant to be run, not only called.
    """

    key: TaskKey
    spec: bytes
    short_name: str
    environment: str
    function_name: str
    env_description: str
    short_description: str
    deployed_by: str
    created_at: Micros
    updated_at: Micros
    is_entrypoint: bool = False


@dataclass(frozen=True)
class TriggerRecord:
    """A trigger as it stands.

    Attributes:
        spec: Serialized `trigger.TriggerSpec`.
        automation: Serialized `task.TriggerAutomationSpec`.
        counts_from: Since when the schedule counts: deployed, activated or rescheduled.
        last_fire: The newest fire time that was dealt with.
        last_error: Why there is no run for it; empty when there is.
    """

    key: TriggerKey
    revision: int
    active: bool
    task_version: str
    spec: bytes
    automation: bytes
    description: str
    deployed_at: Micros
    updated_at: Micros
    triggered_at: Micros | None = None
    deleted_at: Micros | None = None
    counts_from: Micros = 0
    last_fire: Micros | None = None
    last_error: str = ""


@dataclass(frozen=True)
class ProjectRecord:
    """A project.

    Attributes:
        state: `project.ProjectState`: 0 active, 1 archived.
    """

    id: str
    name: str
    description: str
    labels: dict[str, str] = field(default_factory=dict)
    state: project_service_pb2.ProjectState = project_service_pb2.PROJECT_STATE_ACTIVE
    created_at: Micros = 0
    updated_at: Micros = 0
