"""Executions as runs, and runs as executions."""

from __future__ import annotations

import pytest
from flyteidl.admin import common_pb2, execution_pb2
from flyteidl.core import execution_pb2 as core_execution_pb2
from flyteidl.core import identifier_pb2, literals_pb2, security_pb2
from flyteidl2.common import phase_pb2
from flyteidl2.common import run_pb2 as v2_run_pb2
from flyteidl2.task import run_pb2, task_definition_pb2
from flyteidl2.workflow import run_definition_pb2, run_service_pb2

from flyte_bridge_translators.wire import execution, phase
from flyte_bridge_translators.wire import identifier as names

_NAME = "an-execution-whose-name-no-run-of-flyte-2-could-have-a-0123"
_PLAN = identifier_pb2.Identifier(
    resource_type=identifier_pb2.LAUNCH_PLAN, project="p", domain="development", name="app.flows.train", version="v1"
)


def _full() -> execution_pb2.ExecutionSpec:
    """Every field that a run can carry."""
    spec = execution_pb2.ExecutionSpec(
        launch_plan=_PLAN,
        max_parallelism=7,
        overwrite_cache=True,
        tags=["nightly"],
        metadata=execution_pb2.ExecutionMetadata(
            mode=execution_pb2.ExecutionMetadata.RELAUNCH,
            principal="somebody",
            nesting=2,
            reference_execution=identifier_pb2.WorkflowExecutionIdentifier(
                project="p", domain="development", name=_NAME
            ),
            parent_node_execution=identifier_pb2.NodeExecutionIdentifier(node_id="n0"),
        ),
        labels=common_pb2.Labels(values={"team": "a"}),
        annotations=common_pb2.Annotations(values={"note": "b"}),
        envs=common_pb2.Envs(values=[literals_pb2.KeyValuePair(key="K", value="v")]),
        raw_output_data_config=common_pb2.RawOutputDataConfig(output_location_prefix="s3://bucket/raw"),
        security_context=security_pb2.SecurityContext(run_as=security_pb2.Identity(k8s_service_account="robot")),
        notifications=execution_pb2.NotificationList(
            notifications=[
                common_pb2.Notification(
                    phases=[
                        core_execution_pb2.WorkflowExecution.FAILED,
                        core_execution_pb2.WorkflowExecution.SUCCEEDED,
                    ],
                    email=common_pb2.EmailNotification(recipients_email=["a@example.com"]),
                )
            ]
        ),
    )
    spec.interruptible.value = False
    spec.cluster_assignment.cluster_pool_name = "pool"
    return spec


def _request(spec: execution_pb2.ExecutionSpec, **more: object) -> run_service_pb2.CreateRunRequest:
    inputs = literals_pb2.LiteralMap()
    inputs.literals["x"].scalar.primitive.integer = 3
    return execution.to_run(
        project="p",
        domain="development",
        name=_NAME,
        spec=spec,
        task=names.deployed(_PLAN, org="o"),
        inputs=inputs,
        **more,  # type: ignore[arg-type]
    )


def test_an_execution_is_read_back_from_its_run_as_it_was() -> None:
    """The spec, the name, and every setting that the driver acts on."""
    request = _request(_full())
    known = execution.settings(request.run_spec, request.run_id)
    assert known.spec == _full()
    assert (known.name, known.project, known.domain) == (_NAME, "p", "development")
    assert known.from_facade
    assert known.max_parallelism == 7
    assert known.interruptible is False
    assert known.overwrite_cache
    assert known.envs == {"K": "v"}
    assert known.labels == {"team": "a"}
    assert known.annotations == {"note": "b"}
    assert known.raw_output_prefix == "s3://bucket/raw"
    assert known.security_context is not None
    assert known.security_context.run_as.k8s_service_account == "robot"
    assert known.nesting == 2
    assert known.parent_node_execution is not None
    assert known.recover_from is None


def test_flyte_2_sees_what_it_can_act_on() -> None:
    """Its own fields hold the settings, and the name is one that a run can have."""
    request = _request(_full())
    spec = request.run_spec
    assert request.run_id.name == names.run_name(_NAME)
    assert request.task_id.name == "flyte1.launch-plan.app.flows.train"
    assert dict(spec.labels.values) == {"team": "a"}
    assert spec.overwrite_cache
    assert spec.cache_config.overwrite_cache
    assert spec.HasField("interruptible")
    assert not spec.interruptible.value
    assert spec.cluster_pool == "pool"
    assert not spec.max_action_concurrency  # the driver holds max_parallelism: an array's elements do not count
    assert spec.relation.relation_type == v2_run_pb2.RELATION_TYPE_RERUN
    assert spec.relation.related_to.name == names.run_name(_NAME)
    (rule,) = spec.notification_rules.rules
    assert phase_pb2.ACTION_PHASE_FAILED in rule.on_phases
    assert [to.address for to in rule.delivery_template.email.to] == ["a@example.com"]
    (one,) = request.inputs.literals
    assert (one.name, one.value.scalar.primitive.integer) == ("x", 3)


def test_each_field_is_carried_or_refused_by_name() -> None:
    """A field of ExecutionSpec that the round trip loses, and that is not refused, fails here."""
    refused = {"quality_of_service", "execution_cluster_label", "execution_env_assignments"}
    beside = {"inputs"}  # they travel as the run's inputs
    for field in execution_pb2.ExecutionSpec.DESCRIPTOR.fields:
        spec = execution_pb2.ExecutionSpec()
        _fill(spec, field)
        if field.name in refused:
            with pytest.raises(execution.Unsupported, match=f"ExecutionSpec.{field.name}: "):
                _request(spec)
        else:
            request = _request(spec)
            if field.name not in beside:
                assert execution.settings(request.run_spec, request.run_id).spec == spec, field.name


def _fill(message: object, field: object) -> None:
    """Sets one field of a message, and one of what it holds, down to a scalar."""
    name, kind, repeated = field.name, field.message_type, field.is_repeated  # type: ignore[attr-defined]
    if kind is None:
        value = {"string": "text", "bool": True}.get({9: "string", 8: "bool"}.get(field.type, ""), 1)  # type: ignore[attr-defined]
        setattr(message, name, value) if not repeated else getattr(message, name).append(value)
    elif kind.GetOptions().map_entry:
        if kind.fields_by_name["value"].message_type is None:
            getattr(message, name)["key"] = "value"
        else:
            getattr(message, name)["key"].SetInParent()
    else:
        inner = getattr(message, name).add() if repeated else getattr(message, name)
        inner.SetInParent()
        _fill(inner, kind.fields[0])


def test_a_run_born_in_flyte_2_has_an_execution_too() -> None:
    """With its own name, and the settings that the run itself holds."""
    run = _request(execution_pb2.ExecutionSpec()).run_id
    spec = run_pb2.RunSpec(overwrite_cache=True)
    spec.labels.values["team"] = "b"
    spec.envs.values.add(key="K", value="v")
    known = execution.settings(spec, run)
    assert (known.name, known.from_facade, known.max_parallelism) == (run.name, False, 25)
    assert known.overwrite_cache
    assert known.spec.labels.values == {"team": "b"}
    assert known.envs == {"K": "v"}


def test_broken_annotations_are_refused() -> None:
    """Whoever edits the bridge's own annotations is told."""
    request = _request(_full())
    request.run_spec.annotations.values[execution.SPEC] = "nonsense"
    with pytest.raises(execution.BadExecution, match=execution.SPEC):
        execution.settings(request.run_spec, request.run_id)


def test_a_schedules_run_says_when_it_was_due() -> None:
    """Its mode is SCHEDULED though its spec, which all runs of the schedule share, cannot say so; a manual one's not."""
    request = _request(execution_pb2.ExecutionSpec(launch_plan=_PLAN))
    request.run_spec.run_start_time.FromSeconds(60)
    action = run_definition_pb2.Action()
    action.id.run.CopyFrom(request.run_id)
    assert not execution.from_run(request.run_spec, action).spec.metadata.HasField("scheduled_at")
    action.metadata.source = run_definition_pb2.RUN_SOURCE_SCHEDULE_TRIGGER
    metadata = execution.from_run(request.run_spec, action).spec.metadata
    assert metadata.mode == execution_pb2.ExecutionMetadata.SCHEDULED
    assert metadata.scheduled_at.seconds == 60


def test_recover_names_its_source() -> None:
    """The driver learns from which execution it may take nodes over."""
    spec = _full()
    spec.metadata.mode = execution_pb2.ExecutionMetadata.RECOVERED
    request = _request(spec)
    known = execution.settings(request.run_spec, request.run_id)
    assert known.recover_from is not None
    assert known.recover_from.name == _NAME
    assert request.run_spec.relation.relation_type == v2_run_pb2.RELATION_TYPE_RECOVER


def test_a_launch_keeps_which_inputs_its_user_gave() -> None:
    """Relaunch starts from these alone; defaults are resolved anew."""
    request = _request(_full(), given=["x"])
    inputs = literals_pb2.LiteralMap()
    inputs.literals["x"].scalar.primitive.integer = 3
    inputs.literals["default"].scalar.primitive.integer = 4
    assert list(execution.user_inputs(request.run_spec, inputs).literals) == ["x"]


def test_the_closure_tells_what_flyteadmin_would() -> None:
    """created_at of the request, started_at of the first RUNNING, duration between it and the end, the error."""
    facts = execution.ClosureFacts(
        identifier_pb2.Identifier(
            resource_type=identifier_pb2.WORKFLOW, project="p", domain="d", name="w", version="v"
        ),
        created_at=5_000_000_000,
    )
    request = _request(_full(), facts=facts)
    action = run_definition_pb2.ActionDetails()
    action.id.run.CopyFrom(request.run_id)
    action.status.phase = phase_pb2.ACTION_PHASE_FAILED
    action.status.end_time.FromSeconds(20)
    attempt = action.attempts.add(phase=phase_pb2.ACTION_PHASE_FAILED, attempt=1)
    attempt.phase_transitions.add(phase=phase_pb2.ACTION_PHASE_QUEUED).start_time.FromSeconds(6)
    attempt.phase_transitions.add(phase=phase_pb2.ACTION_PHASE_RUNNING).start_time.FromSeconds(8)
    action.error_info.code = "USER:ValueError"
    action.error_info.message = "no"
    action.error_info.kind = run_definition_pb2.ErrorInfo.KIND_USER
    found = execution.from_run(request.run_spec, action)
    assert found.id.name == _NAME
    closure = found.closure
    assert closure.phase == core_execution_pb2.WorkflowExecution.FAILED
    assert closure.workflow_id == facts.workflow
    assert (closure.created_at.seconds, closure.started_at.seconds, closure.updated_at.seconds) == (5, 8, 20)
    assert closure.duration.seconds == 12
    assert (closure.error.code, closure.error.kind) == ("USER:ValueError", core_execution_pb2.ExecutionError.USER)
    assert closure.state_change_details.principal == "somebody"


def test_an_aborted_run_is_aborting_until_its_attempt_has_ended() -> None:
    """But not for ever: nobody may tell of the attempt's end."""
    action = run_definition_pb2.ActionDetails()
    action.status.phase = phase_pb2.ACTION_PHASE_ABORTED
    action.status.end_time.FromSeconds(1000)
    assert execution.run_phase(action) == phase.Workflow.ABORTED
    attempt = action.attempts.add(phase=phase_pb2.ACTION_PHASE_RUNNING, attempt=1)
    assert execution.run_phase(action, 1001 * 10**9) == phase.Workflow.ABORTING
    assert execution.run_phase(action, 2000 * 10**9) == phase.Workflow.ABORTED
    attempt.phase = phase_pb2.ACTION_PHASE_ABORTED
    assert execution.run_phase(action, 1001 * 10**9) == phase.Workflow.ABORTED


@pytest.mark.parametrize("value", phase_pb2.ActionPhase.values())
def test_every_phase_has_a_counterpart(value: int) -> None:
    """Executions, nodes and tasks: no phase of Flyte 2 is unknown, and what has ended there has ended here."""
    assert (phase.execution(value) in phase.ENDED) == (value in phase.TERMINAL)
    assert (phase.node(value) in phase.NODE_ENDED) == (value in phase.TERMINAL)
    ended = {phase.Task.SUCCEEDED, phase.Task.FAILED, phase.Task.ABORTED}
    assert (phase.task(value) in ended) == (value in phase.TERMINAL)
    assert value in phase.runs_in(phase.execution(value))


def test_an_attempt_that_another_follows_has_failed() -> None:
    """The real backend leaves it RUNNING; one that has succeeded or was aborted is told as that, whatever follows."""
    for value in phase_pb2.ActionPhase.values():
        kept = {phase.Task.SUCCEEDED, phase.Task.ABORTED} & {phase.task(value)}
        assert phase.task(value, retried=True) == (kept.pop() if kept else phase.Task.FAILED)


def test_the_task_can_be_given_whole() -> None:
    """A spec instead of a deployed task's name."""
    request = execution.to_run(
        project="p",
        domain="d",
        name="x",
        spec=execution_pb2.ExecutionSpec(),
        task=task_definition_pb2.TaskSpec(short_name="t"),
        inputs=v2_run_pb2.OffloadedInputData(uri="s3://b/i"),
    )
    assert request.task_spec.short_name == "t"
    assert request.offloaded_input_data.uri == "s3://b/i"


def test_a_notifications_text() -> None:
    """A mail says what its notification says, with Flyte 2's placeholders for flyteadmin's; without one, the usual text;
    what a run cannot tell is refused by name."""

    def text(template: str) -> str:
        spec = execution_pb2.ExecutionSpec(launch_plan=identifier_pb2.Identifier(name="plan", version="v1"))
        one = spec.notifications.notifications.add()
        one.slack.recipients_email.append("a@example.com")
        one.slack.template = template
        (rule,) = execution.run_spec(spec).notification_rules.rules
        return str(rule.delivery_template.email.inline.html_template)

    assert text("{{ name }} of {{launch_plan.name}}:{{ launch_plan.version }} is {{ phase }} {{ other }}") == (
        "{{.Run.Name}} of plan:v1 is {{.Phase}} {{ other }}"
    )
    assert "{{.Phase}}" in text("")
    with pytest.raises(execution.Unsupported, match=r"EmailNotification.template: .*workflow.name"):
        text("{{ workflow.name }}")
