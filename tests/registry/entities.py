"""What flytekit registers for a small workflow, under versions of the tests' own."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("flytekit", reason="flytekit stops at Python 3.12")

from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2
from flytekit import CronSchedule, LaunchPlan, task, workflow

from wire.serialized import serialize

if TYPE_CHECKING:
    from google.protobuf.message import Message


@task(retries=2, cache=True, cache_version="7")
def square(x: int) -> int:
    """Squares a number.

    At length: it multiplies the number with itself.

    Args:
        x: Any number.
    """
    return x * x


@workflow
def area(side: int, when: datetime, unit: str = "m") -> int:
    """The area of a square."""
    return square(x=side)


plan = LaunchPlan.get_or_create(area, "area_of_three", fixed_inputs={"side": 3}, default_inputs={"unit": "km"})
scheduled = LaunchPlan.get_or_create(
    area,
    "area_daily",
    fixed_inputs={"side": 4},
    schedule=CronSchedule(schedule="0 6 * * *", kickoff_time_input_arg="when"),
)

SERIALIZED = serialize(plan)
AREA, SQUARE, PLAN = f"{__name__}.area", f"{__name__}.square", "area_of_three"


def at(message: Message, version: str, name: str = "") -> identifier_pb2.Identifier:
    """An identifier with another version, and another name if one is given."""
    copy = identifier_pb2.Identifier.FromString(message.SerializeToString())
    copy.version = version
    copy.name = name or copy.name
    return copy


def square_request(version: str, name: str = "") -> task_pb2.TaskCreateRequest:
    """The task's registration."""
    spec = task_pb2.TaskSpec.FromString(SERIALIZED.tasks[SQUARE].SerializeToString())
    return task_pb2.TaskCreateRequest(id=at(spec.template.id, version, name), spec=spec)


def area_workflow(version: str, name: str = "") -> workflow_pb2.Workflow:
    """The compiled workflow."""
    compiled = SERIALIZED.compiled(AREA)
    compiled.primary.template.id.CopyFrom(at(compiled.primary.template.id, version, name))
    return workflow_pb2.Workflow(
        id=compiled.primary.template.id, closure=workflow_pb2.WorkflowClosure(compiled_workflow=compiled)
    )


def area_plan(version: str, name: str = "", workflow_name: str = "") -> launch_plan_pb2.LaunchPlan:
    """The launch plan, as the façade hands it over."""
    registered = launch_plan_pb2.LaunchPlan.FromString(SERIALIZED.launch_plans[PLAN].SerializeToString())
    registered.id.CopyFrom(at(registered.id, version, name))
    registered.spec.workflow_id.CopyFrom(at(registered.spec.workflow_id, version, workflow_name))
    registered.spec.default_inputs.CopyFrom(registered.closure.expected_inputs)
    return registered
