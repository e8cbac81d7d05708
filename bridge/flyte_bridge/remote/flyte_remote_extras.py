"""What Flyte 1's own documentation shows and flytekit 1.16 lacks.

Scripts that were written after the documentation fail on flytekit 1.16, whatever backend they call. Through the bridge
they run as written:

| documented | flytekit 1.16 | here |
|---|---|---|
| `remote.terminate_execution(id, cause)` | on `remote.client` only | as there |
| `remote.relaunch_execution(id, name)`, `recover_execution` | on `remote.client` only, returns an id | returns the execution |
| `execution.inputs.to_dict()`, `outputs.to_dict()` | no such method | every value as a Python value |
| `remote.fetch_execution(…).sync()`, `.wait()`, `.execution_url` | an error, `None` | as for executions just started |
| `node_execution.task_executions.values()` | a list | a list that has `values()` |
| `task_execution.is_successful` | no such attribute | as executions have it |
| `remote.get_execution_metrics(…).name` | no such attribute | what the span is of |
| `Options(labels={…}, annotations={…})` | wants models | takes dictionaries, too |
| `remote.execute(workflow)` without a version | only in notebooks | one is made up of the script that defines it |
| execution names with `_` | refused by flyteadmin | `-` instead, with a warning |
| `from flytekit import FlyteFile` | in `flytekit.types.file` | there too (`flyte-bridge exec` and `pyflyte` only) |
| `from flytekit.configuration import FastPackageOptions, CopyFileDetection` | elsewhere | there too (likewise) |
| `flytekit.models.core.types.SimpleType` | in `flytekit.models.types` | there too (likewise) |
| `FastPackageOptions(top_level_packages=…)`, `CopyFileDetection.TOP_LEVEL_ONLY` | unknown | kept to (likewise) |

Source: `summary_executing_workflows_and_tasks` of the flytekit documentation, held by `tests/remote/seed_004.py`.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flytekit.core.type_engine import LiteralsResolver
from flytekit.models.common import Annotations, Labels
from flytekit.models.core.execution import TaskExecutionPhase
from flytekit.remote.executions import FlyteNodeExecution, FlyteTaskExecution, FlyteWorkflowExecution
from flytekit.remote.metrics import FlyteExecutionSpan
from flytekit.tools.translator import Options

if TYPE_CHECKING:
    from flytekit.models.core.identifier import WorkflowExecutionIdentifier

_log = logging.getLogger("flyte_bridge.remote")


class ReadableLiterals(LiteralsResolver):  # type: ignore[misc]
    """Inputs or outputs, which can be had all at once."""

    def to_dict(self) -> dict[str, Any]:
        """Every value as a Python value, by its name; its type is guessed as `resolver[name]` guesses it."""
        return {name: self.get(name) for name in self.literals}


class TaskExecutions(list[FlyteTaskExecution]):
    """Task executions, one per attempt, which can also be gone through as if they were a dictionary's values."""

    def values(self) -> list[FlyteTaskExecution]:
        """The task executions."""
        return list(self)


class TaskExecution(FlyteTaskExecution):  # type: ignore[misc]
    """A task execution that tells whether it succeeded."""

    @property
    def is_successful(self) -> bool:
        """Whether it has ended well."""
        return bool(self.closure.phase == TaskExecutionPhase.SUCCEEDED)


class Span(FlyteExecutionSpan):  # type: ignore[misc]
    """The metrics of an execution, with a name."""

    @property
    def name(self) -> str:
        """What the span is of: the execution's name, a node's id, an attempt's number, or an operation's."""
        kind = self._span.WhichOneof("id")
        if kind == "workflow_id":
            return str(self._span.workflow_id.name)
        if kind == "node_id":
            return str(self._span.node_id.node_id)
        if kind == "task_id":
            return str(self._span.task_id.retry_attempt)
        return str(self._span.operation_id)


class Documented:
    """The documented methods, over those that a `FlyteRemote` has."""

    client: Any

    def terminate_execution(self, id: WorkflowExecutionIdentifier, cause: str = "") -> None:  # noqa: A002 - documented
        """Stops a running execution.

        Args:
            id: The execution's.
            cause: Why; shown with the execution.

        Raises:
            FlyteSystemException: It has ended already.
        """
        self.client.terminate_execution(_id_of(id), cause)

    def relaunch_execution(
        self,
        id: WorkflowExecutionIdentifier,  # noqa: A002 - documented
        name: str | None = None,
    ) -> FlyteWorkflowExecution:
        """Runs an execution again, all of it, with the inputs and the settings it had.

        Args:
            id: The old execution's.
            name: The new one's; by default a random one.
        """
        return self._fetched(self.client.relaunch_execution(_id_of(id), _tolerated(name)))

    def recover_execution(
        self,
        id: WorkflowExecutionIdentifier,  # noqa: A002 - documented
        name: str | None = None,
    ) -> FlyteWorkflowExecution:
        """Runs what an execution has not finished, and takes over what it has.

        Args:
            id: The failed execution's.
            name: The new one's; by default a random one.
        """
        return self._fetched(self.client.recover_execution(_id_of(id), _tolerated(name)))

    def _fetched(self, id: WorkflowExecutionIdentifier) -> FlyteWorkflowExecution:  # noqa: A002 - as above
        return self.fetch_execution(id.project, id.domain, id.name)

    # -- over flytekit's own ------------------------------------------------------------------------------------------

    def fetch_execution(
        self, project: str | None = None, domain: str | None = None, name: str | None = None
    ) -> FlyteWorkflowExecution:
        """Fetches an execution; a name with `_` is understood as it was when the execution was made."""
        return self._of_ours(super().fetch_execution(project, domain, _tolerated(name)))  # type: ignore[misc]

    def recent_executions(self, *args: Any, **more: Any) -> list[FlyteWorkflowExecution]:
        """The latest executions; they have a URL, and can be brought up to date."""
        return [self._of_ours(each) for each in super().recent_executions(*args, **more)]  # type: ignore[misc]

    def _of_ours(self, execution: FlyteWorkflowExecution) -> FlyteWorkflowExecution:
        execution._remote = execution._remote or self
        return execution

    def _execute(
        self,
        *args: Any,
        execution_name: str | None = None,
        execution_name_prefix: str | None = None,
        options: Options | None = None,
        **more: Any,
    ) -> FlyteWorkflowExecution:
        return super()._execute(  # type: ignore[misc]
            *args,
            options=_in_models(options),
            execution_name=_tolerated(execution_name),
            execution_name_prefix=_tolerated(execution_name_prefix),
            **more,
        )

    def get_execution_metrics(self, id: WorkflowExecutionIdentifier, depth: int = 10) -> Span:  # noqa: A002 - as above
        """The metrics of an execution, as spans.

        Args:
            id: The execution's.
            depth: How many levels of spans.
        """
        return Span(super().get_execution_metrics(_id_of(id), depth).to_flyte_idl())  # type: ignore[misc]

    def sync_node_execution(self, execution: FlyteNodeExecution, *args: Any, **more: Any) -> FlyteNodeExecution:
        """Brings a node execution up to date, with all that is below it."""
        synced = super().sync_node_execution(execution, *args, **more)  # type: ignore[misc]
        if synced._task_executions is not None:
            synced._task_executions = TaskExecutions(synced._task_executions)
        return synced

    def sync_task_execution(self, execution: FlyteTaskExecution, *args: Any, **more: Any) -> FlyteTaskExecution:
        """Brings a task execution up to date."""
        synced = super().sync_task_execution(execution, *args, **more)  # type: ignore[misc]
        if type(synced) is FlyteTaskExecution:
            synced.__class__ = TaskExecution  # flytekit makes them at four places, none of which can be told how
        return synced

    def _assign_inputs_and_outputs(self, execution: Any, execution_data: Any, interface: Any = None) -> Any:
        assigned = super()._assign_inputs_and_outputs(execution, execution_data, interface)  # type: ignore[misc]
        for held in (assigned._inputs, assigned._outputs):
            if type(held) is LiteralsResolver:
                held.__class__ = ReadableLiterals  # likewise
        return assigned


def _id_of(execution: Any) -> Any:
    """An execution's identifier, also where the execution itself is given."""
    return execution.id if isinstance(execution, FlyteWorkflowExecution) else execution


def _in_models(options: Options | None) -> Options | None:
    """Options with labels and annotations as flytekit sends them, also where they are dictionaries."""
    if options is None:
        return None
    labels, annotations = options.labels, options.annotations
    return replace(
        options,
        labels=Labels(labels) if isinstance(labels, dict) else labels,
        annotations=Annotations(annotations) if isinstance(annotations, dict) else annotations,
    )


def _tolerated(name: str | None) -> str | None:
    """An execution's name as Flyte allows it; the documentation's own example has one that it does not."""
    if name is None or "_" not in name:
        return name
    allowed = name.replace("_", "-")
    _log.warning("execution name %r: Flyte allows no '_' in it, so the execution is called %r", name, allowed)
    return allowed
