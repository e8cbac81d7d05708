"""Each setting alone, of whoever may say it: it changes what the run is told, or it is refused, or there is a reason why not."""

from __future__ import annotations

from typing import Any

import pytest
from flyteidl.admin import execution_pb2, launch_plan_pb2, matchable_resource_pb2
from flyteidl2.common import identifier_pb2
from google.protobuf.message import Message

from flyte_bridge.admin.coverage import REFUSED
from flyte_bridge.launch import settings
from flyte_bridge.launch.platform_settings import PlatformSettings, unfollowed
from flyte_bridge_translators.wire import execution

OTHERWISE = {
    "flyteidl.admin.ExecutionSpec.launch_plan": "what is launched: `Launch.target`",
    "flyteidl.admin.ExecutionSpec.metadata": "the run's relation and source: `to_run`, held by tests/wire/test_execution.py",
    "flyteidl.admin.ExecutionSpec.tags": "told again with the execution, and found by lists",
    "flyteidl.admin.ExecutionSpec.inputs": "inputs before flyteidl 0.15: `Launch.inputs`",
    "flyteidl.admin.ExecutionSpec.disable_all": "acts on notifications alone: a test of its own below",
    "flyteidl.admin.LaunchPlanSpec.workflow_id": "what runs",
    "flyteidl.admin.LaunchPlanSpec.default_inputs": "inputs: `Launcher`, held by tests of the façade",
    "flyteidl.admin.LaunchPlanSpec.fixed_inputs": "inputs: `Launcher`, held by tests of the façade",
    "flyteidl.admin.LaunchPlanSpec.concurrency_policy": "`Concurrency`, held by test_concurrency.py",
    "flyteidl.admin.LaunchPlanSpec.cluster_assignment": "has no effect on flyteadmin either",
}
"""Fields whose effect is elsewhere, or that have none in Flyte 1."""

VALUES: dict[str, Any] = {
    "notifications": execution_pb2.NotificationList(
        notifications=[{"phases": [4], "email": {"recipients_email": ["a@example.org"]}}]
    ),
    "entity_metadata": launch_plan_pb2.LaunchPlanMetadata(
        notifications=[{"phases": [4], "email": {"recipients_email": ["a@example.org"]}}]
    ),
}
"""Values that mean something, where any would not."""


def _fill(message: Any, depth: int = 0) -> None:
    """Give each field of a message a value; of a oneof the first."""
    told: set[str] = set()
    for field in message.DESCRIPTOR.fields:
        group = field.containing_oneof
        if group is not None and len(group.fields) > 1:
            if group.name in told:
                continue
            told.add(group.name)
        if depth < 6:
            _set(message, field, depth)


def _set(message: Any, field: Any, depth: int = 0) -> None:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        held = getattr(message, field.name)
        if kind.fields_by_name["value"].message_type is None:
            held["key"] = "value"
        else:
            _fill(held["key"], depth + 1)
    elif kind is not None:
        inner = getattr(message, field.name)
        inner = inner.add() if field.is_repeated else inner
        inner.SetInParent()
        _fill(inner, depth + 1)
    else:
        value: Any = {field.CPPTYPE_STRING: "value", field.CPPTYPE_BOOL: True}.get(field.cpp_type, 1)
        if field.type == field.TYPE_BYTES:
            value = b"value"
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


def _told(sayer: Message) -> tuple[bytes, int]:
    """What a run is told when one of the three says something, and the others nothing."""
    spec = sayer if isinstance(sayer, execution_pb2.ExecutionSpec) else execution_pb2.ExecutionSpec()
    plan = sayer if isinstance(sayer, launch_plan_pb2.LaunchPlanSpec) else None
    config = sayer if isinstance(sayer, matchable_resource_pb2.WorkflowExecutionConfig) else None
    platform = PlatformSettings("p", "d", configs=() if config is None else (config,))
    told, effect = settings.effective(spec, plan, platform)
    result = execution.run_spec(told, effect=effect)
    most = execution.settings(result, identifier_pb2.RunIdentifier(name="r")).max_parallelism  # what the driver holds
    del result.annotations.values[execution.SPEC]  # what is only told again has no effect yet
    return result.SerializeToString(deterministic=True), most


SAYERS = (execution_pb2.ExecutionSpec, launch_plan_pb2.LaunchPlanSpec, matchable_resource_pb2.WorkflowExecutionConfig)
FIELDS = [(sayer, field) for sayer in SAYERS for field in sayer.DESCRIPTOR.fields]


@pytest.mark.parametrize(
    ("sayer", "field"), FIELDS, ids=[f"{kind.DESCRIPTOR.name}.{field.name}" for kind, field in FIELDS]
)
def test_each_setting_changes_what_the_run_is_told(sayer: Any, field: Any) -> None:
    """Alone, against a request in which nobody says anything."""
    message = sayer()
    if field.name in VALUES:
        getattr(message, field.name).CopyFrom(VALUES[field.name])
    else:
        _set(message, field)
    full = f"{sayer.DESCRIPTOR.full_name}.{field.name}"
    if full in REFUSED:
        if sayer is execution_pb2.ExecutionSpec:
            with pytest.raises(execution.Unsupported, match=field.name):
                _told(message)
        elif sayer is matchable_resource_pb2.WorkflowExecutionConfig:
            assert field.name in unfollowed(
                matchable_resource_pb2.MatchingAttributes(workflow_execution_config=message)
            )
        return
    if full in OTHERWISE:
        return
    assert _told(message) != _told(sayer()), full


def test_an_execution_may_want_no_notifications() -> None:
    """Those of its launch plan are left out then."""
    plan = launch_plan_pb2.LaunchPlanSpec(entity_metadata=VALUES["entity_metadata"])
    assert settings.notifications(execution_pb2.ExecutionSpec(), plan)
    assert not settings.notifications(execution_pb2.ExecutionSpec(disable_all=True), plan)
