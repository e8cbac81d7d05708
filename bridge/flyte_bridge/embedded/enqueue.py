"""Requests for new actions → records, or a refusal: nothing is written before all of it is checked.

CreateRun makes a root, Enqueue a child. What the request leaves open is filled in here: the run's name, the task behind
an id or a trigger, default inputs, output prefixes, cache keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from flyteidl2.common import phase_pb2
from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.core import types_pb2
from flyteidl2.task import common_pb2, run_pb2, task_definition_pb2
from flyteidl2.trigger import trigger_definition_pb2

from flyte_bridge.backend import hashing
from flyte_bridge.backend.keys import ROOT, ActionKey, RunKey, TaskKey, TriggerKey
from flyte_bridge.backend.moments import from_timestamp, to_timestamp
from flyte_bridge.backend.phases import Phase
from flyte_bridge.embedded import names
from flyte_bridge.embedded.faults import AlreadyExists, InvalidRequest, NotFound, RunEnded
from flyte_bridge.embedded.inputs import Filled, fill
from flyte_bridge.embedded.layout import output_prefix
from flyte_bridge.embedded.model import ActionRecord, ActionType, TriggerRecord
from flyte_bridge.embedded.recovery import Recovery

if TYPE_CHECKING:
    from flyteidl2.actions import actions_service_pb2
    from flyteidl2.common import identifier_pb2
    from flyteidl2.workflow import run_definition_pb2, run_service_pb2

    from flyte_bridge.embedded.clock import Clock
    from flyte_bridge.embedded.inputs import Objects
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.registry import Projects, Tasks

SIGNAL_TYPES = (types_pb2.BOOLEAN, types_pb2.INTEGER, types_pb2.FLOAT, types_pb2.STRING)
"""The types a condition may have, as on the real backend."""


class Triggers(Protocol):
    """What CreateRun asks of the triggers."""

    def get(self, key: TriggerKey) -> TriggerRecord:
        """A trigger; `NotFound` if there is none, or it was deleted."""
        ...

    def triggered(self, key: TriggerKey) -> None:
        """Remembers that it made a run just now."""
        ...


class RunSettings(Protocol):
    """What CreateRun asks of the settings."""

    def fill(self, run_spec: run_pb2.RunSpec, domain: str, project: str) -> None:
        """Fills what the spec leaves open."""
        ...


@dataclass(frozen=True)
class New:
    """An action to be.

    Attributes:
        task_spec: Serialized `task.TaskSpec`.
        inputs: What must be written to `record.input_uri` first; None if it is there.
        source: The action, in the run that its run recovers from, whose outputs it takes over; None to run it.
    """

    record: ActionRecord
    task_spec: bytes = b""
    labels: dict[str, str] = field(default_factory=dict)
    inputs: bytes | None = None
    source: ActionRecord | None = None


class Intake:
    """Checks requests, and turns them into records."""

    def __init__(
        self,
        ledger: Ledger,
        projects: Projects,
        tasks: Tasks,
        objects: Objects,
        base_uri: str,
        clock: Clock,
        *,
        triggers: Triggers,
        settings: RunSettings,
    ) -> None:
        """Takes its sources.

        Args:
            ledger: The actions there are.
            projects: The projects there are.
            tasks: The deployed tasks.
            objects: Where inputs lie.
            base_uri: The prefix of all runs' outputs, where a run names none.
            clock: The time.
            triggers: The triggers there are.
            settings: Fill what a run's spec leaves open.
        """
        self.triggers = triggers
        self.recovery = Recovery(ledger, objects)
        self._settings = settings
        self._ledger = ledger
        self._projects = projects
        self._tasks = tasks
        self._objects = objects
        self._base_uri = base_uri
        self._clock = clock

    # -- runs ---------------------------------------------------------------------------------------------------------

    def run(self, request: run_service_pb2.CreateRunRequest, subject: str) -> New:
        """A new run's root.

        Args:
            request: As received.
            subject: Who asks.

        Raises:
            InvalidRequest: A name, a label or the inputs cannot be, or no task is named.
            NotFound: The project, the task, the trigger or the run to recover from is not there.
            AlreadyExists: There is a run of that name.
        """
        key = self._run_key(request)
        spec, trigger, source_kind = self._task_of(request, key)
        run_spec = self._run_spec(request, trigger)
        self._settings.fill(run_spec, key.domain, key.project)
        run_spec.task_spec_source = source_kind
        names.labels(run_spec.labels.values)
        self.recovery.check(run_spec)
        base = f"{(run_spec.run_base_dir or self._base_uri).rstrip('/')}/{key.project}/{key.domain}/{key.name}"
        filled = self._inputs(request, spec, trigger)
        now = self._clock.now()
        template = spec.task_template
        record = ActionRecord(
            id=0,
            version=0,
            key=key.action(),
            parent=None,
            type=ActionType.TASK,
            phase=Phase.QUEUED,
            created_at=now,
            updated_at=now,
            subject=subject,
            source=request.source,
            trigger=trigger.key if trigger else None,
            trigger_revision=trigger.revision if trigger else 0,
            trigger_type=common_pb2.TriggerAutomationSpec.FromString(trigger.automation if trigger else b"").type,
            cache_key=hashing.cache_key(template, filled.hash) if template.metadata.discoverable else "",
            input_uri=filled.uri or f"{base}/inputs",
            run_output_base=base,
            output_uri=output_prefix(base, key.action(), 1),
            run_spec=run_spec.SerializeToString(),
            **_task_fields(spec, _task_key(request, spec, key, trigger)),
        )
        return New(record, spec.SerializeToString(), dict(run_spec.labels.values), filled.data)

    def _run_key(self, request: run_service_pb2.CreateRunRequest) -> RunKey:
        which = request.WhichOneof("id")
        if which == "run_id":
            run = request.run_id
            key = RunKey(run.project, run.domain, names.run(run.name))
        elif which == "project_id":
            key = RunKey(request.project_id.name, request.project_id.domain, names.new_run())
        else:
            raise InvalidRequest("name the run (run_id) or its project (project_id)")
        self._projects.get(key.project)
        names.domain(key.domain)
        if self._ledger.find(key.action()) is not None:
            raise AlreadyExists(f"run {key} exists already; choose another name, or none and one is made")
        return key

    def _task_of(
        self, request: run_service_pb2.CreateRunRequest, key: RunKey
    ) -> tuple[task_definition_pb2.TaskSpec, TriggerRecord | None, run_pb2.TaskSpecSource]:
        which = request.WhichOneof("task")
        if which == "task_spec":
            if not request.task_spec.HasField("task_template"):
                raise InvalidRequest("task_spec has no task_template")
            return request.task_spec, None, run_pb2.TASK_SPEC_SOURCE_EPHEMERAL
        trigger = None
        if which == "task_id":
            task = request.task_id
            task_key = TaskKey(task.project or key.project, task.domain or key.domain, task.name, task.version)
        elif which == "trigger_name":
            trigger = self._trigger(request.trigger_name, key)
            task_key = TaskKey(trigger.key.project, trigger.key.domain, trigger.key.task_name, trigger.task_version)
        else:
            raise InvalidRequest("name a task: by task_id, by trigger_name, or as a whole in task_spec")
        record = self._tasks.get(task_key)
        spec = task_definition_pb2.TaskSpec.FromString(record.spec)
        return spec, trigger, run_pb2.TASK_SPEC_SOURCE_DEPLOYED

    def _trigger(self, name: identifier_pb2.TriggerName, run: RunKey) -> TriggerRecord:
        key = TriggerKey(name.project or run.project, name.domain or run.domain, name.task_name, name.name)
        return self.triggers.get(key)

    def _run_spec(self, request: run_service_pb2.CreateRunRequest, trigger: TriggerRecord | None) -> run_pb2.RunSpec:
        run_spec = run_pb2.RunSpec()
        if request.HasField("run_spec"):
            run_spec.CopyFrom(request.run_spec)
        elif trigger is not None:
            run_spec.CopyFrom(trigger_definition_pb2.TriggerSpec.FromString(trigger.spec).run_spec)
        if request.HasField("run_start_time"):
            run_spec.run_start_time.CopyFrom(request.run_start_time)
        elif not run_spec.HasField("run_start_time"):
            run_spec.run_start_time.CopyFrom(to_timestamp(self._clock.now()))
        return run_spec

    def _inputs(
        self,
        request: run_service_pb2.CreateRunRequest,
        spec: task_definition_pb2.TaskSpec,
        trigger: TriggerRecord | None,
    ) -> Filled:
        sources: list[common_pb2.Inputs | common_run_pb2.OffloadedInputData] = []
        if trigger is not None:
            # the real scheduler drops a trigger's inputs when it also fills in the kickoff time; here both hold
            trigger_spec = trigger_definition_pb2.TriggerSpec.FromString(trigger.spec)
            which = trigger_spec.WhichOneof("input_wrapper")
            if which:
                sources.append(getattr(trigger_spec, which))
        which = request.WhichOneof("input_wrapper")
        if which:
            sources.append(getattr(request, which))
        return fill(spec, sources, self._objects)

    # -- children -----------------------------------------------------------------------------------------------------

    def child(self, request: actions_service_pb2.EnqueueRequest) -> New:
        """A new child.

        Raises:
            InvalidRequest: A name is wrong, something is too long, or it is no task, trace or condition.
            NotFound: The parent, or the task behind an id, is not there.
            RunEnded: The run or the parent has ended.
            AlreadyExists: There is an action of that name.
        """
        action = request.action
        key = ActionKey(
            action.action_id.run.project,
            action.action_id.run.domain,
            action.action_id.run.name,
            names.action(action.action_id.name),
        )
        root, parent = self._parents(key, action.parent_action_name)
        there = self._ledger.find(key)
        if there is not None:
            raise AlreadyExists(f"action {key} exists already; watch it instead")
        base = action.run_output_base or parent.run_output_base or self._base(key.run_key)
        now = self._clock.now()
        common = {
            "id": 0,
            "version": 0,
            "key": key,
            "parent": parent.key.name,
            "created_at": now,
            "updated_at": now,
            "group": names.limit("group", action.group),
            "subject": action.subject or parent.subject,
            "source": parent.source,
            "input_uri": action.input_uri,
            "run_output_base": base.rstrip("/"),
            "run_spec": request.run_spec.SerializeToString() if request.HasField("run_spec") else b"",
        }
        which = action.WhichOneof("spec")
        if which == "task":
            new = self._task(action.task, key, common)
        elif which == "trace":
            new = self._trace(action.trace, common)
        elif which == "condition":
            new = self._condition(action.condition, common)
        else:
            raise InvalidRequest(f"action {key} is no task, no trace and no condition")
        return replace(new, source=self.recovery.source(new.record, root, action))

    def _base(self, key: RunKey) -> str:
        return f"{self._base_uri}/{key.project}/{key.domain}/{key.name}"

    def _parents(self, key: ActionKey, name: str) -> tuple[ActionRecord, ActionRecord]:
        """The root and the parent, both open."""
        root = self._ledger.find(key.sibling(ROOT))
        if root is None:
            raise NotFound(f"run {key.run_key} does not exist")
        if root.phase.terminal:
            raise RunEnded(f"run {key.run_key} has ended ({root.phase.name}); nothing can be added to it")
        if not name:
            raise InvalidRequest(f"action {key} names no parent; roots are made by CreateRun")
        parent = root if name == ROOT else self._ledger.find(key.sibling(name))
        if parent is None:
            raise NotFound(f"parent action {name!r} of {key} does not exist")
        if parent.phase.terminal:
            raise RunEnded(f"parent action {parent.key} has ended ({parent.phase.name}); nothing can be added to it")
        return root, parent

    def _task(self, task: run_definition_pb2.TaskAction, key: ActionKey, common: dict[str, Any]) -> New:
        task_key = TaskKey(task.id.project or key.project, task.id.domain or key.domain, task.id.name, task.id.version)
        if task.HasField("spec") and task.spec.HasField("task_template"):
            spec = task.spec
        else:
            spec = task_definition_pb2.TaskSpec.FromString(self._tasks.get(task_key).spec)
        record = ActionRecord(
            **common,
            type=ActionType.TASK,
            phase=Phase.QUEUED,
            cache_key=names.limit("cache key", task.cache_key.value),
            output_uri=output_prefix(str(common["run_output_base"]), key, 1),
            **_task_fields(spec, task_key),
        )
        return New(record, spec.SerializeToString())

    def _trace(self, trace: run_definition_pb2.TraceAction, common: dict[str, Any]) -> New:
        record = ActionRecord(
            **common,
            type=ActionType.TRACE,
            phase=Phase.RUNNING,
            started_at=from_timestamp(trace.start_time) if trace.HasField("start_time") else None,
            short_name=trace.name,
            output_uri=trace.outputs.output_uri,
            report_uri=trace.outputs.report_uri,
            spec=trace.SerializeToString(),
        )
        return New(record)

    def _condition(self, condition: run_definition_pb2.ConditionAction, common: dict[str, Any]) -> New:
        if condition.type.WhichOneof("type") != "simple" or condition.type.simple not in SIGNAL_TYPES:
            raise InvalidRequest(
                f"condition {condition.name!r} must be a boolean, integer, float or string; "
                "send anything else as text and decode it in the task"
            )
        record = ActionRecord(
            **common,
            type=ActionType.CONDITION,
            phase=Phase.PAUSED,
            short_name=names.limit("condition name", condition.name),
            spec=condition.SerializeToString(),
        )
        return New(record)


def _task_key(
    request: run_service_pb2.CreateRunRequest,
    spec: task_definition_pb2.TaskSpec,
    run: RunKey,
    trigger: TriggerRecord | None,
) -> TaskKey:
    if trigger is not None:
        return TaskKey(trigger.key.project, trigger.key.domain, trigger.key.task_name, trigger.task_version)
    named = request.task_id if request.HasField("task_id") else spec.task_template.id
    return TaskKey(named.project or run.project, named.domain or run.domain, named.name, named.version)


def _task_fields(spec: task_definition_pb2.TaskSpec, key: TaskKey) -> dict[str, Any]:
    function = key.name.rpartition(".")[2]
    return {
        "task": key,
        "task_type": names.limit("task type", spec.task_template.type),
        "short_name": names.limit("short name", spec.short_name) or function,
        "function_name": function,
        "environment": names.limit("environment", spec.environment.name),
    }


def trace_phase(trace: run_definition_pb2.TraceAction) -> Phase:
    """How a trace ended; one that does not say succeeded."""
    phase = Phase(trace.phase)
    if phase is Phase.UNSPECIFIED:
        return Phase.SUCCEEDED
    if not phase.terminal:
        name = phase_pb2.ActionPhase.Name(trace.phase)
        raise InvalidRequest(f"trace {trace.name!r} is recorded when it has ended, but says {name}")
    return phase
