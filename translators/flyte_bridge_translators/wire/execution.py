"""An execution of Flyte 1 as a run of Flyte 2, and back.

What both have travels in `RunSpec`'s own fields, as it shall take effect: labels, annotations, environment variables,
interruptible, overwrite_cache, the prefix of raw outputs, the security context, the cluster pool, notifications. What
only Flyte 1 has (the launch plan, the mode, the parent node, max_parallelism as flyteadmin resolved it, tags, …) is the
execution's spec itself, as flyteadmin would answer `GetExecution`, deflated in an annotation of the run.

| annotation | value |
|---|---|
| `flyte1.bridge/name` | the execution's name |
| `flyte1.bridge/spec` | its `ExecutionSpec` without inputs, deflated, base64 |
| `flyte1.bridge/closure` | `ClosureFacts`: what `ExecutionClosure` tells of the start and no run does |
| `flyte1.bridge/task-resources` | `TaskResourceAttributes` that hold for its tasks, deflated, where there are any |
| `flyte1.bridge/inputs` | names of the inputs the user gave, where they are fewer than those the run got |

A run without them (made by Flyte 2's own clients, or by a trigger) is read with what it has.

Sources: `flyteadmin/pkg/manager/impl/execution_manager.go`, `flyteidl2/task/run.proto`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flyteidl.admin import common_pb2, execution_pb2, matchable_resource_pb2
from flyteidl.core import identifier_pb2, literals_pb2, security_pb2
from flyteidl2.common import run_pb2 as v2_run_pb2
from flyteidl2.core import literals_pb2 as v2_literals_pb2
from flyteidl2.core import security_pb2 as v2_security_pb2
from flyteidl2.notification import definition_pb2
from flyteidl2.task import run_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2

from flyte_bridge_translators.wire import identifier, literal, phase
from flyte_bridge_translators.wire.execution_settings import (
    FACTS,
    NAME,
    RESERVED,
    SPEC,
    TASK_RESOURCES,
    USER_INPUTS,
    BadExecution,
    ExecutionSettings,
    deflate,
    same,
    settings,
)
from flyte_bridge_translators.wire.execution_state import (
    ClosureFacts,
    closure_facts,
    error,
    from_run,
    lasting,
    mode,
    outcome,
    run_phase,
    stand,
    started_at,
    user_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "FACTS",
    "NAME",
    "RESERVED",
    "SPEC",
    "USER_INPUTS",
    "BadExecution",
    "ClosureFacts",
    "Effect",
    "ExecutionSettings",
    "Unsupported",
    "closure_facts",
    "error",
    "from_run",
    "lasting",
    "mode",
    "outcome",
    "refuse",
    "run_phase",
    "run_spec",
    "settings",
    "stand",
    "started_at",
    "to_run",
    "user_inputs",
]

_Metadata = execution_pb2.ExecutionMetadata


class Unsupported(ValueError):
    """Raised when an execution asks for what Flyte 2 has nothing for.

    Attributes:
        field: The field, as `ExecutionSpec.NAME`.
    """

    def __init__(self, field: str, advice: str) -> None:
        super().__init__(f"{field}: {advice}")
        self.field = field


# -- to a run ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """What an execution's settings come to, after launch plan, attributes and platform had their say.

    Attributes are those of `admin.WorkflowExecutionConfig`, and what `CreateExecution` resolves beside it.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    envs: Mapping[str, str] = field(default_factory=dict)
    interruptible: bool | None = None
    overwrite_cache: bool = False
    raw_output_prefix: str = ""
    security_context: security_pb2.SecurityContext | None = None
    cluster_pool: str = ""
    queue: str = ""
    task_resources: matchable_resource_pb2.TaskResourceAttributes | None = None
    notifications: Iterable[common_pb2.Notification] = ()

    @staticmethod
    def of(spec: execution_pb2.ExecutionSpec) -> Effect:
        """A spec taken as it is: nobody else has a say, as for a child execution that inherits its parent's."""
        return Effect(
            labels=dict(spec.labels.values),
            annotations=dict(spec.annotations.values),
            envs={pair.key: pair.value for pair in spec.envs.values},
            interruptible=spec.interruptible.value if spec.HasField("interruptible") else None,
            overwrite_cache=spec.overwrite_cache,
            raw_output_prefix=spec.raw_output_data_config.output_location_prefix,
            security_context=spec.security_context if spec.HasField("security_context") else None,
            cluster_pool=spec.cluster_assignment.cluster_pool_name,
            notifications=() if spec.disable_all else tuple(spec.notifications.notifications),
        )


def run_spec(
    spec: execution_pb2.ExecutionSpec,
    *,
    name: str = "",
    effect: Effect | None = None,
    facts: ClosureFacts | None = None,
    given: Iterable[str] | None = None,
) -> run_pb2.RunSpec:
    """The spec of the run that is this execution; also of the runs that a launch plan's schedule starts.

    Args:
        spec: What `GetExecution` shall answer; inputs are left out.
        name: The execution's v1 name; empty for a schedule, whose runs name themselves.
        effect: What shall take effect; the spec's own settings if None.
        facts: What the closure tells of the start.
        given: Names of the inputs that the user gave; None if all of them.

    Raises:
        Unsupported: It asks for what Flyte 2 has nothing for.
    """
    refuse(spec)
    effect = effect or Effect.of(spec)
    kept = execution_pb2.ExecutionSpec()
    kept.CopyFrom(spec)
    kept.ClearField("inputs")
    # not max_action_concurrency: Flyte 2 would count an array's elements, too; the driver holds max_parallelism
    result = run_pb2.RunSpec(
        overwrite_cache=effect.overwrite_cache, cluster_pool=effect.cluster_pool, queue=effect.queue
    )
    result.labels.values.update(effect.labels)
    result.annotations.values.update(effect.annotations)
    result.annotations.values[SPEC] = deflate(kept)
    if name:
        result.annotations.values[NAME] = name
    if effect.task_resources is not None:
        result.annotations.values[TASK_RESOURCES] = deflate(effect.task_resources)
    if facts is not None:
        result.annotations.values[FACTS] = facts.text()
    if given is not None:
        result.annotations.values[USER_INPUTS] = json.dumps(sorted(given))
    result.envs.values.extend(v2_literals_pb2.KeyValuePair(key=k, value=v) for k, v in effect.envs.items())
    if effect.interruptible is not None:
        result.interruptible.value = effect.interruptible
    if effect.overwrite_cache:
        result.cache_config.overwrite_cache = True
    if effect.raw_output_prefix:
        result.raw_data_storage.raw_data_prefix = effect.raw_output_prefix
    if effect.security_context is not None and effect.security_context.ByteSize():
        result.security_context.CopyFrom(same(effect.security_context, v2_security_pb2.SecurityContext))
    result.notification_rules.rules.extend(_rule(one, spec) for one in effect.notifications)
    if not result.notification_rules.rules:
        result.ClearField("notification_rules")
    return result


def to_run(
    *,
    project: str,
    domain: str,
    name: str,
    spec: execution_pb2.ExecutionSpec,
    task: task_definition_pb2.TaskIdentifier | task_definition_pb2.TaskSpec,
    inputs: literals_pb2.LiteralMap | v2_run_pb2.OffloadedInputData | None,
    org: str = "",
    effect: Effect | None = None,
    facts: ClosureFacts | None = None,
    given: Iterable[str] | None = None,
) -> run_service_pb2.CreateRunRequest:
    """The request that starts an execution as a run.

    Args:
        project: Where it runs.
        domain: Where it runs.
        name: Its v1 name; `identifier.run_name` of it is the run's.
        spec: What `GetExecution` shall answer. The mode decides the run's relation: RELAUNCH becomes RERUN and
            RECOVERED becomes RECOVER of `reference_execution`, CHILD_WORKFLOW becomes SPAWN.
        task: What runs: the deployed launch plan or task (`identifier.deployed`), or a spec of its own.
        inputs: All inputs, defaults and fixed ones included, or where they lie.
        org: Flyte 2's organisation.
        effect: See `run_spec`.
        facts: See `run_spec`.
        given: See `run_spec`.

    Raises:
        Unsupported: It asks for what Flyte 2 has nothing for.
    """
    v1_id = identifier_pb2.WorkflowExecutionIdentifier(project=project, domain=domain, name=name)
    request = run_service_pb2.CreateRunRequest(
        run_id=identifier.run_of(v1_id, org),
        run_spec=run_spec(spec, name=name, effect=effect, facts=facts, given=given),
        source=_source(spec.metadata.mode),
    )
    relation = _relation(spec.metadata, org)
    if relation is not None:
        request.run_spec.relation.CopyFrom(relation)
        request.run_spec.related_to.CopyFrom(relation.related_to)
    if isinstance(task, task_definition_pb2.TaskIdentifier):
        request.task_id.CopyFrom(task)
    else:
        request.task_spec.CopyFrom(task)
    if isinstance(inputs, v2_run_pb2.OffloadedInputData):
        request.offloaded_input_data.CopyFrom(inputs)
    elif inputs is not None:
        request.inputs.CopyFrom(literal.to_inputs(inputs))
    return request


def _source(mode: int) -> run_definition_pb2.RunSource:
    if mode == _Metadata.SCHEDULED:
        return run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER
    return run_definition_pb2.RUN_SOURCE_CLI


def _relation(metadata: execution_pb2.ExecutionMetadata, org: str) -> v2_run_pb2.Relation | None:
    kinds = {
        _Metadata.RELAUNCH: v2_run_pb2.RELATION_TYPE_RERUN,
        _Metadata.RECOVERED: v2_run_pb2.RELATION_TYPE_RECOVER,
    }
    if metadata.HasField("reference_execution") and metadata.mode in kinds:
        return v2_run_pb2.Relation(
            related_to=identifier.run_of(metadata.reference_execution, org), relation_type=kinds[metadata.mode]
        )
    if metadata.HasField("parent_node_execution"):
        parent = metadata.parent_node_execution.execution_id
        return v2_run_pb2.Relation(
            related_to=identifier.run_of(parent, org), relation_type=v2_run_pb2.RELATION_TYPE_SPAWN
        )
    return None


ELSEWHERE: Mapping[str, tuple[Callable[[execution_pb2.ExecutionSpec], bool], str]] = {
    "quality_of_service": (
        lambda spec: bool(spec.quality_of_service.ByteSize()),
        "Flyte 2 has no queueing budget for an execution; leave it out, or use a queue of Flyte 2",
    ),
    "execution_cluster_label": (
        lambda spec: bool(spec.execution_cluster_label.value),
        "Flyte 2 does not choose clusters by label; leave it out, or name a cluster pool",
    ),
    "execution_env_assignments": (
        lambda spec: bool(spec.execution_env_assignments),
        "Flyte 2 has no fast-task environments; leave it out",
    ),
}
"""Fields that no run can carry: whether they are set, and what to do instead."""


def refuse(spec: execution_pb2.ExecutionSpec) -> None:
    """Refuses what an execution asks for and no run can carry.

    Raises:
        Unsupported: Names the first such field.
    """
    for name, (is_set, advice) in ELSEWHERE.items():
        if is_set(spec):
            raise Unsupported(f"ExecutionSpec.{name}", advice)


_SUBJECT = "Notification for execution {{.Run.Name}}"
_BODY = 'Execution "{{.Run.Name}}" has {{.Phase}} in "{{.Run.Domain}}". {{.Error}}'
"""What flyteadmin's own configuration suggests, where a notification brings no text."""

_PLACEHOLDER = re.compile(r"\{\{ ?([a-z_.]+) ?\}\}")
_TOLD: Mapping[str, str] = {
    "project": "{{.Run.Project}}",
    "domain": "{{.Run.Domain}}",
    "name": "{{.Run.Name}}",
    "phase": "{{.Phase}}",
    "error": "{{.Error}}",
}
"""flyteadmin's placeholders (`pkg/async/notifications/email.go`) → Flyte 2's (`RunCompletedNotificationTemplateData`)."""


def _rule(notification: common_pb2.Notification, spec: execution_pb2.ExecutionSpec) -> run_pb2.InlineRule:
    """A v1 notification as a rule of Flyte 2: all three kinds are mails there, to the service's own address."""
    which = notification.WhichOneof("type")
    mail = getattr(notification, which) if which else common_pb2.EmailNotification()
    rule = run_pb2.InlineRule(on_phases=sorted({v2 for v1 in notification.phases for v2 in phase.runs_in(v1)}))
    rule.delivery_template.email.to.extend(
        definition_pb2.EmailRecipient(address=address) for address in mail.recipients_email
    )
    rule.delivery_template.email.inline.subject = _SUBJECT
    rule.delivery_template.email.inline.html_template = (
        _text(mail.template, spec.launch_plan) if mail.template else _BODY
    )
    return rule


def _text(template: str, plan: identifier_pb2.Identifier) -> str:
    """A mail's text, with Flyte 2's placeholders for flyteadmin's; what is none of those stays as it is.

    Raises:
        Unsupported: It asks for the workflow, of which a run knows nothing.
    """

    def told(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("workflow."):
            raise Unsupported(
                "EmailNotification.template",
                f"Flyte 2 cannot put {found[0]} into a mail; use {{{{ launch_plan.{name.partition('.')[2]} }}}}, or no name",
            )
        owner, _, part = name.partition(".")
        if owner == "launch_plan" and part in {"project", "domain", "name", "version"}:
            return str(getattr(plan, part))
        return _TOLD.get(name, found[0])

    return _PLACEHOLDER.sub(told, template)
