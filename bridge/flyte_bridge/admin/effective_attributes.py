"""What stands in attributes for an execution: of its workflow, its domain and its project.

| attributes | what they do |
|---|---|
| `WORKFLOW_EXECUTION_CONFIG` | fill in what neither the execution nor its launch plan says |
| `TASK_RESOURCE` | give tasks resources that ask for none, and no more than the limits |
| `CLUSTER_ASSIGNMENT` | name the run's cluster pool; an execution cannot name another |
| `EXECUTION_QUEUE` | the first tag is the run's queue |
| `EXECUTION_CLUSTER_LABEL`, `PLUGIN_OVERRIDE` | nothing; said in the log |

Source: `flyteadmin/pkg/manager/impl/execution_manager.go` and `impl/executions/queues.go`, v1.16.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl.admin import matchable_resource_pb2

from flyte_bridge.errors import InvalidRequest
from flyte_bridge.registry.attributes import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyte_bridge.admin.launch_settings import Config
    from flyte_bridge.registry.attributes import Attributes

_Resource = matchable_resource_pb2.MatchableResource

ASKED = (
    _Resource.WORKFLOW_EXECUTION_CONFIG,
    _Resource.TASK_RESOURCE,
    _Resource.CLUSTER_ASSIGNMENT,
    _Resource.EXECUTION_QUEUE,
    _Resource.EXECUTION_CLUSTER_LABEL,
    _Resource.PLUGIN_OVERRIDE,
)


@dataclass(frozen=True)
class Standing:
    """What attributes say of an execution.

    Attributes:
        project: The execution's.
        domain: The execution's.
        configs: Execution settings, the most specific first.
        task_resources: Of its tasks; None for nothing.
        cluster_pool: Where it must run; empty for anywhere.
        queue: Which queue it goes through; empty for the backend's own choice.
        idle: What is set and has no effect, in words.
    """

    project: str
    domain: str
    configs: tuple[Config, ...] = ()
    task_resources: matchable_resource_pb2.TaskResourceAttributes | None = None
    cluster_pool: str = ""
    queue: str = ""
    idle: tuple[str, ...] = ()

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


async def of(attributes: Attributes, project: str, domain: str, workflow: str) -> Standing:
    """What attributes say of an execution.

    Args:
        attributes: All there are.
        project: The execution's.
        domain: The execution's.
        workflow: The name of what it runs.
    """
    found = await attributes.all_of(ASKED, Scope(project, domain, workflow))
    if not any(found.values()):
        return Standing(project, domain)
    resources = _first(found, _Resource.TASK_RESOURCE)
    pools = [one for scope, one in found[_Resource.CLUSTER_ASSIGNMENT] if not scope.workflow]
    tags = list(_first(found, _Resource.EXECUTION_QUEUE).execution_queue_attributes.tags)
    return Standing(
        project,
        domain,
        configs=_configs(found[_Resource.WORKFLOW_EXECUTION_CONFIG]),
        task_resources=resources.task_resource_attributes if resources.ByteSize() else None,
        cluster_pool=pools[0].cluster_assignment.cluster_pool_name if pools else "",
        queue=tags[0] if tags else "",
        idle=tuple(_idle(found)),
    )


def _first(
    found: Mapping[int, list[tuple[Scope, matchable_resource_pb2.MatchingAttributes]]], resource: int
) -> matchable_resource_pb2.MatchingAttributes:
    return found[resource][0][1] if found[resource] else matchable_resource_pb2.MatchingAttributes()


def _configs(found: list[tuple[Scope, matchable_resource_pb2.MatchingAttributes]]) -> tuple[Config, ...]:
    """The most specific one and the project's; one between them does not count, as on flyteadmin."""
    of_project = [one for scope, one in found if not scope.domain]
    return tuple(one.workflow_execution_config for one in [*[one for _, one in found[:1]], *of_project])


def _idle(found: Mapping[int, list[tuple[Scope, matchable_resource_pb2.MatchingAttributes]]]) -> list[str]:
    told = []
    label = _first(found, _Resource.EXECUTION_CLUSTER_LABEL).execution_cluster_label.value
    if label:
        told.append(f"execution cluster label {label!r}: {NO_LABELS}")
    overrides = _first(found, _Resource.PLUGIN_OVERRIDE).plugin_overrides.overrides
    told += [
        f"plugins {', '.join(one.plugin_id)} for tasks of type {one.task_type!r}"
        f" (if missing: {matchable_resource_pb2.PluginOverride.MissingPluginBehavior.Name(one.missing_plugin_behavior)})"
        f": {NO_PLUGINS}"
        for one in overrides
    ]
    assigned = any(
        one.workflow_execution_config.execution_env_assignments for _, one in found[_Resource.WORKFLOW_EXECUTION_CONFIG]
    )
    return [*told, f"execution_env_assignments: {NO_ENVIRONMENTS}"] if assigned else told


NO_LABELS = "Flyte 2 does not choose clusters by label; assign a cluster pool, or a queue"
NO_PLUGINS = "Flyte 2 chooses a task's plugin by its type alone; register the task with the type meant"
NO_ENVIRONMENTS = "Flyte 2 has no fast-task environments"
NO_NAMESPACES = "Flyte 2 makes no namespaces from templates; prepare the cluster itself"
"""Why some attributes have no effect, and what to do instead."""
