"""What is started: the request that all starters build."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from flyteidl.core import literals_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl.admin import execution_pb2, launch_plan_pb2
    from flyteidl.core import identifier_pb2

Runnable: TypeAlias = "task_definition_pb2.TaskIdentifier | task_definition_pb2.TaskSpec"
"""Where a task is deployed, or the task itself."""


@dataclass(frozen=True)
class Launched:
    """What is launched.

    Attributes:
        task: Where it is deployed. The task itself where it is deployed nowhere: of a run that was born in Flyte 2, or of the
            driver for a task that runs alone and needs it.
        plan: The launch plan; of a single task the one that flyteadmin would make around it.
        registered: Whether the launch plan is one that somebody has registered.
    """

    task: Runnable
    plan: launch_plan_pb2.LaunchPlan
    registered: bool

    @staticmethod
    def of_plan(plan: launch_plan_pb2.LaunchPlan, org: str) -> Launched:
        """A registered launch plan."""
        return Launched(identifier.deployed(plan.id, org=org), plan, registered=True)

    @property
    def settings(self) -> launch_plan_pb2.LaunchPlanSpec | None:
        """What the launch plan says of its executions; None for a single task, whose launch plan nobody wrote."""
        return self.plan.spec if self.registered else None


@dataclass(frozen=True)
class Launch:
    """An execution that shall be started. Its messages are read only: who needs another makes one.

    Attributes:
        id: Its project, domain and v1 name.
        target: What is launched.
        spec: What its starter asks for, its mode, caller and parent included.
        inputs: What its starter gives; defaults are not among them.
        org: Flyte 2's organisation.
        parent: Labels that tell of whom it is a child; it has them beside those that count.
    """

    id: identifier_pb2.WorkflowExecutionIdentifier
    target: Launched
    spec: execution_pb2.ExecutionSpec
    inputs: literals_pb2.LiteralMap = field(default_factory=literals_pb2.LiteralMap)
    org: str = ""
    parent: Mapping[str, str] = field(default_factory=dict)
