"""Every field of Flyte 1's shared messages is carried to Flyte 2: held over the descriptors, and over generated messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flyteidl.admin import launch_plan_pb2
from flyteidl.core import interface_pb2 as v1_interface_pb2
from flyteidl.core import literals_pb2 as v1_literals_pb2
from flyteidl.core import security_pb2 as v1_security_pb2
from flyteidl.core import tasks_pb2 as v1_tasks_pb2
from flyteidl.core import workflow_pb2
from flyteidl2.core import interface_pb2, literals_pb2, security_pb2, tasks_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import interface, launch_plan, literal, plugin, schedule, task
from flyte_bridge_translators.wire import workflow as compile_workflow
from wire.messages import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor

SHARED = {
    v1_tasks_pb2.TaskTemplate: tasks_pb2.TaskTemplate,
    v1_interface_pb2.TypedInterface: interface_pb2.TypedInterface,
    v1_interface_pb2.Parameter: interface_pb2.Parameter,
    v1_literals_pb2.Literal: literals_pb2.Literal,
    v1_security_pb2.SecurityContext: security_pb2.SecurityContext,
}
"""Messages that are re-parsed from their bytes, with all they are made of."""


def _differences(ours: Descriptor, theirs: Descriptor, seen: set[str]) -> Iterator[str]:
    if ours.full_name in seen or ours.full_name.startswith("google.protobuf."):
        return
    seen.add(ours.full_name)
    for field in ours.fields:
        other = theirs.fields_by_number.get(field.number)
        if other is None:
            yield field.full_name
        elif field.type != other.type or field.is_repeated != other.is_repeated:
            yield f"{field.full_name} is another kind"
        elif field.enum_type is not None:
            gone = set(field.enum_type.values_by_number) - set(other.enum_type.values_by_number)
            yield from (f"{field.full_name} has no {number}" for number in gone)
        elif field.message_type is not None:
            yield from _differences(field.message_type, other.message_type, seen)


def test_flyte_2_has_every_shared_field() -> None:
    """Of the same number and kind, with every value of its enumerations."""
    found: set[str] = set()
    for ours, theirs in SHARED.items():
        found.update(_differences(ours.DESCRIPTOR, theirs.DESCRIPTOR, set()))
    assert not found


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(messages(v1_tasks_pb2.TaskTemplate, deepest=3))
def test_task_templates(template: v1_tasks_pb2.TaskTemplate) -> None:
    """There and back is the same; only the message of a plugin may be refused."""
    try:
        carried = task.to_v2(template)
    except plugin.BadCustom:
        assert template.type in {type_ for type_, _ in plugin.MESSAGES}
        return
    assert task.from_v2(carried) == template


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(messages(v1_interface_pb2.TypedInterface))
def test_interfaces(given_: v1_interface_pb2.TypedInterface) -> None:
    """There and back is the same; Flyte 2's variables are in the order of their names."""
    carried = interface.to_v2(given_)
    assert interface.from_v2(carried) == given_
    keys = [entry.key for entry in carried.inputs.variables]
    assert keys == sorted(keys)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(messages(v1_literals_pb2.LiteralMap, deepest=5))
def test_literals(given_: v1_literals_pb2.LiteralMap) -> None:
    """As inputs and as outputs; the bytes are those of the map."""
    inputs, outputs = literal.to_inputs(given_), literal.to_outputs(given_)
    assert literal.from_named(inputs) == given_
    assert literal.from_named(outputs) == given_
    assert v1_literals_pb2.LiteralMap.FromString(inputs.SerializeToString()) == given_


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(messages(v1_literals_pb2.Literal, deepest=4))
def test_any_literal_has_a_type_or_none(value: v1_literals_pb2.Literal) -> None:
    """And fits where its own type is expected, unless that is a union two variants of which it could be."""
    type_ = literal.type_of(value)
    if type_ is not None and type_.WhichOneof("type") == "simple":
        assert literal.fits(value, type_)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(
    messages(workflow_pb2.WorkflowMetadata),
    messages(workflow_pb2.WorkflowMetadataDefaults),
    messages(workflow_pb2.NodeMetadata),
    messages(workflow_pb2.TaskNodeOverrides, deepest=2),
    messages(v1_tasks_pb2.TaskTemplate, deepest=2),
)
def test_compiling_leaves_out_nothing(
    metadata: workflow_pb2.WorkflowMetadata,
    defaults: workflow_pb2.WorkflowMetadataDefaults,
    node_metadata: workflow_pb2.NodeMetadata,
    overrides: workflow_pb2.TaskNodeOverrides,
    template: v1_tasks_pb2.TaskTemplate,
) -> None:
    """Policies, metadata and overrides of workflows and nodes, and tasks whatever they are, are in the closure as they were."""
    template.id.name = "t"
    template.interface.SetInParent()
    template.interface.inputs.Clear()
    template.interface.inputs.SetInParent()
    template.interface.outputs.Clear()
    template.interface.outputs.SetInParent()
    given_ = workflow_pb2.WorkflowTemplate(metadata=metadata, metadata_defaults=defaults)
    node = given_.nodes.add(id="n0", metadata=node_metadata)
    node.task_node.reference_id.CopyFrom(template.id)
    node.task_node.overrides.CopyFrom(overrides)
    given_.failure_node.CopyFrom(node)
    closure = compile_workflow.compile(given_, tasks=[template])
    made = closure.primary.template
    assert (made.metadata, made.metadata_defaults, made.failure_node) == (metadata, defaults, node)
    assert list(made.nodes)[2:] == [node]
    assert [one.template for one in closure.tasks] == [template]


OVERRIDES = {
    "NodeMetadata": {
        "name": "shown by whoever reads the node",
        "timeout": "",
        "retries": "",
        "interruptible": "",
        "cacheable": "",
        "cache_version": "",
        "cache_serializable": "",
        "config": "read by nobody in Flyte 1 either: neither propeller nor a plugin asks for it",
    },
    "TaskNodeOverrides": {"resources": "", "extended_resources": "", "container_image": "", "pod_template": ""},
}
"""What a node can say of its task: empty where it changes the task, else who else reads it."""


def test_every_override_is_known() -> None:
    """A field that flyteidl grows is not left out in silence."""
    for message in (workflow_pb2.NodeMetadata, workflow_pb2.TaskNodeOverrides):
        assert {field.name for field in message.DESCRIPTOR.fields} == OVERRIDES[message.DESCRIPTOR.name].keys()


_SAMPLES = {
    "timeout": lambda node: setattr(node.metadata.timeout, "seconds", 3),
    "retries": lambda node: setattr(node.metadata.retries, "retries", 3),
    "interruptible": lambda node: setattr(node.metadata, "interruptible", True),
    "cacheable": lambda node: setattr(node.metadata, "cacheable", True),
    "cache_version": lambda node: setattr(node.metadata, "cache_version", "2"),
    "cache_serializable": lambda node: setattr(node.metadata, "cache_serializable", True),
    "resources": lambda node: node.task_node.overrides.resources.requests.add(name=1, value="3"),
    "extended_resources": lambda node: setattr(
        node.task_node.overrides.extended_resources.gpu_accelerator, "device", "a100"
    ),
    "container_image": lambda node: setattr(node.task_node.overrides, "container_image", "x"),
    "pod_template": lambda node: node.task_node.overrides.pod_template.pod_spec.update({"containers": [{"name": "x"}]}),
}


@pytest.mark.parametrize(
    "name", sorted(name for message in OVERRIDES.values() for name, else_ in message.items() if not else_)
)
def test_each_override_changes_the_task(name: str) -> None:
    """On its own."""
    template = v1_tasks_pb2.TaskTemplate()
    template.container.image = "old"
    node = workflow_pb2.Node(task_node={})
    assert task.overridden(template, read.node(node)) == template
    _SAMPLES[name](node)
    assert task.overridden(template, read.node(node)) != template


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(messages(launch_plan_pb2.LaunchPlanSpec, deepest=2), st.booleans())
def test_launch_plans(spec: launch_plan_pb2.LaunchPlanSpec, scheduled: bool) -> None:
    """Every field of the spec is kept; only the defaults are completed. What cannot be is refused."""
    if not scheduled:
        spec.entity_metadata.ClearField("schedule")
    workflow = v1_interface_pb2.TypedInterface()
    workflow.inputs.variables["required"].type.simple = 1
    spec.default_inputs.parameters.clear()
    try:
        plan = launch_plan.registered(spec.workflow_id, spec, workflow)
    except launch_plan.BadLaunchPlan:
        refused = spec.fixed_inputs.literals or spec.entity_metadata.HasField("launch_conditions")
        assert refused or schedule_told(spec)
        return
    kept = launch_plan_pb2.LaunchPlanSpec()
    kept.CopyFrom(plan.spec)
    kept.default_inputs.CopyFrom(spec.default_inputs)
    if not spec.HasField("default_inputs"):
        kept.ClearField("default_inputs")
    assert kept == spec
    assert plan.closure.expected_inputs.parameters["required"].required


def schedule_told(spec: launch_plan_pb2.LaunchPlanSpec) -> bool:
    """Whether the launch plan has a schedule, good or bad."""
    try:
        return schedule.to_automation(spec.entity_metadata.schedule) is not None
    except schedule.BadSchedule:
        return True
