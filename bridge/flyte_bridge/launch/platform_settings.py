"""What holds for an execution beside its request and its launch plan: attributes, and the labels of its project.

| attributes of the workflow, its domain or its project | what they do |
|---|---|
| `WORKFLOW_EXECUTION_CONFIG` | fill in what neither the execution nor its launch plan says |
| `TASK_RESOURCE` | give tasks resources that ask for none, and no more than the limits |
| `CLUSTER_ASSIGNMENT` | name the run's cluster pool; an execution cannot name another |
| `EXECUTION_QUEUE` | the first tag is the run's queue |
| `EXECUTION_CLUSTER_LABEL`, `PLUGIN_OVERRIDE` | nothing Flyte 2 could do: no execution is started while they are set |

Source: `flyteadmin/pkg/manager/impl/execution_manager.go` and `impl/executions/queues.go`, v1.16.8.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from flyteidl.admin import matchable_resource_pb2

from flyte_bridge.errors import FailedPrecondition, InvalidRequest
from flyte_bridge.registry.attributes import AttributeScope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyte_bridge.backend.client import BackendClient
    from flyte_bridge.registry.attributes import Attributes

Config: TypeAlias = matchable_resource_pb2.WorkflowExecutionConfig
Matching: TypeAlias = matchable_resource_pb2.MatchingAttributes
_Resource = matchable_resource_pb2.MatchableResource

NO_EFFECT: Mapping[str, str] = {
    "cluster_resource_attributes": "Flyte 2 makes no namespaces from templates; prepare the cluster itself",
    "execution_cluster_label": "Flyte 2 does not choose clusters by label; assign a cluster pool, or a queue",
    "plugin_overrides": "Flyte 2 chooses a task's plugin by its type alone; register the task with the type meant",
}
"""Kinds of attributes that nothing in Flyte 2 could follow, and what to do instead."""

NO_ENVIRONMENTS = "Flyte 2 has no fast-task environments; leave it out"

_FOLLOWED = (
    _Resource.WORKFLOW_EXECUTION_CONFIG,
    _Resource.TASK_RESOURCE,
    _Resource.CLUSTER_ASSIGNMENT,
    _Resource.EXECUTION_QUEUE,
)
_REFUSED = (_Resource.EXECUTION_CLUSTER_LABEL, _Resource.PLUGIN_OVERRIDE)


@dataclass(frozen=True)
class PlatformSettings:
    """What holds for an execution beside its request and its launch plan.

    Attributes:
        project: The execution's.
        domain: The execution's.
        configs: Execution settings, the most specific first.
        task_resources: Of its tasks; None for nothing.
        cluster_pool: Where it must run; empty for anywhere.
        queue: Which queue it goes through; empty for the backend's own choice.
        labels: The project's.
        environment: Variables that tasks get where nobody else sets them.
    """

    project: str
    domain: str
    configs: tuple[Config, ...] = ()
    task_resources: matchable_resource_pb2.TaskResourceAttributes | None = None
    cluster_pool: str = ""
    queue: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def pool(self, asked: str) -> str:
        """The cluster pool of an execution that asks for one, or for none.

        Raises:
            InvalidRequest: It asks for another than it must have.
        """
        if asked and self.cluster_pool and asked != self.cluster_pool:
            raise InvalidRequest(
                f'execution with project "{self.project}" and domain "{self.domain}" cannot run on cluster pool "{asked}", '
                f'because its configured to run on pool "{self.cluster_pool}"'
            )
        return self.cluster_pool or asked


class PlatformReader:
    """Reads what holds for executions, anew for each."""

    def __init__(
        self, backend: BackendClient, attributes: Attributes, environment: Mapping[str, str] | None = None
    ) -> None:
        """Reads nothing yet.

        Args:
            backend: Where projects are.
            attributes: All there are.
            environment: Variables that tasks get where nobody else sets them.
        """
        self._backend = backend
        self._attributes = attributes
        self._environment = environment or {}

    async def of(self, project: str, domain: str, workflow: str) -> PlatformSettings:
        """What holds for an execution.

        Args:
            project: The execution's.
            domain: The execution's.
            workflow: The name of what it runs.

        Raises:
            FailedPrecondition: Something holds that Flyte 2 cannot follow.
        """
        attributes, row = await asyncio.gather(
            self._attributes.all_of((*_FOLLOWED, *_REFUSED), AttributeScope(project, domain, workflow)),
            self._backend.get_project(project_id=project),
        )
        _refuse(attributes)
        resources = _first(attributes[_Resource.TASK_RESOURCE])
        pools = [pool for scope, pool in attributes[_Resource.CLUSTER_ASSIGNMENT] if not scope.workflow]
        tags = list(_first(attributes[_Resource.EXECUTION_QUEUE]).execution_queue_attributes.tags)
        return PlatformSettings(
            project,
            domain,
            configs=_configs(attributes[_Resource.WORKFLOW_EXECUTION_CONFIG]),
            task_resources=resources.task_resource_attributes if resources.ByteSize() else None,
            cluster_pool=pools[0].cluster_assignment.cluster_pool_name if pools else "",
            queue=tags[0] if tags else "",
            labels=dict(row.labels.values),
            environment=self._environment,
        )


class RememberingReader(PlatformReader):
    """Reads once what holds for the executions of a workflow: for a run that starts many of them."""

    def __init__(self, backend: BackendClient, attributes: Attributes) -> None:
        super().__init__(backend, attributes)
        self._read: dict[tuple[str, str, str], asyncio.Future[PlatformSettings]] = {}

    async def of(self, project: str, domain: str, workflow: str) -> PlatformSettings:
        """As `PlatformReader.of`; what failed is read anew."""
        key = (project, domain, workflow)
        reading = self._read.get(key)
        if reading is None or (reading.done() and (reading.cancelled() or reading.exception())):
            reading = self._read[key] = asyncio.ensure_future(super().of(project, domain, workflow))
        return await asyncio.shield(reading)


def unfollowed(matching: Matching) -> str:
    """What of some attributes Flyte 2 could not follow, and what to do instead; empty for nothing."""
    target = matching.WhichOneof("target") or ""
    if target in NO_EFFECT:
        return f"MatchingAttributes.{target}: {NO_EFFECT[target]}"
    if matching.workflow_execution_config.execution_env_assignments:
        return f"WorkflowExecutionConfig.execution_env_assignments: {NO_ENVIRONMENTS}"
    return ""


def _refuse(attributes: Mapping[int, Sequence[tuple[AttributeScope, Matching]]]) -> None:
    """Refuse to start anything under attributes that were set before they were refused.

    Raises:
        FailedPrecondition: There are such.
    """
    for held in attributes.values():
        for scope, matching in held:
            if reason := unfollowed(matching):
                place = ", ".join(filter(None, (scope.project, scope.domain, scope.workflow)))
                raise FailedPrecondition(f"attributes of {place}: {reason}; delete them to start executions")


def _first(held: Sequence[tuple[AttributeScope, Matching]]) -> Matching:
    return held[0][1] if held else Matching()


def _configs(held: Sequence[tuple[AttributeScope, Matching]]) -> tuple[Config, ...]:
    """The most specific one and the project's; one between them does not count, as on flyteadmin."""
    counting = [*held[:1], *(entry for entry in held if not entry[0].domain)]
    return tuple(matching.workflow_execution_config for _, matching in counting)
