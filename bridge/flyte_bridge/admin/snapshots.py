"""What was read of an execution: its run, what it runs, its nodes at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
from flyteidl2.common import phase_pb2

from flyte_bridge.errors import NotFound
from flyte_bridge_translators.flyte1 import read
from flyte_bridge_translators.wire import execution, identifier
from flyte_bridge_translators.wire.phase import GOOD, TERMINAL

if TYPE_CHECKING:
    from flyteidl.admin import launch_plan_pb2, workflow_pb2
    from flyteidl.core import identifier_pb2
    from flyteidl2.workflow import run_definition_pb2

    from flyte_bridge_translators.flyte1.closure import Closure
    from flyte_bridge_translators.wire import node_tree, node_view


class NoSuchExecution(NotFound):
    """Raised when there is no execution of a name."""


class NoSuchNode(NotFound):
    """Raised when an execution has no such node, or Flyte 1 would not know it by now."""


@dataclass(frozen=True)
class RunView:
    """A run and what it was asked to be.

    Attributes:
        details: As Flyte 2 answers.
        settings: The execution it is.
    """

    details: run_definition_pb2.RunDetails
    settings: execution.ExecutionSettings

    @property
    def run_id(self) -> v2_identifier_pb2.RunIdentifier:
        """Flyte 2's identifier."""
        return self.details.action.id.run

    @property
    def root(self) -> run_definition_pb2.ActionDetails:
        """The root action."""
        return self.details.action

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to the run itself."""
        return self.root.status.phase in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether it has ended well."""
        return self.root.status.phase in GOOD


@dataclass(frozen=True)
class ExecutionPlan:
    """What an execution runs.

    Attributes:
        workflow: The workflow, with its closure.
        launch_plan: The launch plan, None if the workflow or a task was launched itself.
        single: The task's node when a task runs alone: the root action is its.
        foreign: Whether the run was born in Flyte 2, so that the workflow only stands for it.
    """

    workflow: workflow_pb2.Workflow
    launch_plan: launch_plan_pb2.LaunchPlan | None = None
    single: str = ""
    foreign: bool = False

    @cached_property
    def closure(self) -> Closure:
        """The compiled workflow, read once."""
        return read.closure(self.workflow.closure.compiled_workflow)


_FAILED = frozenset({phase_pb2.ACTION_PHASE_FAILED, phase_pb2.ACTION_PHASE_TIMED_OUT})


@dataclass(eq=False)
class Snapshot:
    """An execution with all its nodes, as it was at one moment.

    Attributes:
        view: The run.
        plan: What it runs.
        tree: Its nodes.
        actions: Its actions by name.
        taken: When, by `time.monotonic`.
        final: Whether everything in it has ended.
    """

    view: RunView
    plan: ExecutionPlan
    tree: node_tree.Tree
    actions: dict[str, node_view.Action]
    taken: float
    final: bool
    closures: dict[str, Closure] = field(default_factory=dict)

    @property
    def execution_id(self) -> identifier_pb2.WorkflowExecutionIdentifier:
        """The execution's v1 identifier."""
        return self.view.settings.id

    @property
    def failed(self) -> bool:
        """Whether the execution has failed."""
        return self.view.root.status.phase in _FAILED

    def node(self, uid: str) -> node_tree.View:
        """A node by its unique id.

        Raises:
            NoSuchNode: Flyte 1 would not know it by now.
        """
        try:
            return self.tree[uid]
        except KeyError:
            raise NoSuchNode("entry not found") from None

    def action_of(self, view: node_tree.View) -> v2_identifier_pb2.ActionIdentifier | None:
        """The action that a node is; None if it has none."""
        if view.action is None:
            if view.child is None:
                return None
            run = v2_identifier_pb2.RunIdentifier()
            run.CopyFrom(self.view.run_id)
            run.name = identifier.run_name(view.child_name)
            return v2_identifier_pb2.ActionIdentifier(run=run, name=identifier.ROOT)
        return view.action.id
