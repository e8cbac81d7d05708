"""What an execution was asked to be, read from the run that it is: for the driver and for the façade."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from flyteidl.admin import execution_pb2, matchable_resource_pb2
from flyteidl.core import identifier_pb2, literals_pb2, security_pb2
from google.protobuf.message import DecodeError, Message

from flyte_bridge_translators.flyte1.names import MAX_PARALLELISM
from flyte_bridge_translators.wire.inflate import inflate as inflated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flyteidl2.common import identifier_pb2 as v2_identifier_pb2
    from flyteidl2.task import run_pb2

NAME = "flyte1.bridge/name"
SPEC = "flyte1.bridge/spec"
FACTS = "flyte1.bridge/closure"
USER_INPUTS = "flyte1.bridge/inputs"
TASK_RESOURCES = "flyte1.bridge/task-resources"
RESERVED = "flyte1.bridge/"
"""Annotations that begin so are the bridge's own."""

_Metadata = execution_pb2.ExecutionMetadata


class BadExecution(ValueError):
    """Raised when a run's annotations do not hold the execution they promise."""


@dataclass(frozen=True)
class ExecutionSettings:
    """What an execution was asked to be, as the driver and the façade read it from a run.

    Attributes:
        name: The execution's v1 name.
        project: Its project.
        domain: Its domain.
        spec: Its v1 spec without inputs, as `GetExecution` answers; empty but for what the run tells when no façade
            made the run.
        max_parallelism: Task nodes that may run at once over the whole execution; 0 for no limit.
        interruptible: What overrides every node's own; None if the execution says nothing.
        overwrite_cache: Compute and overwrite what is cached.
        envs: Environment variables of every task.
        labels: Of the execution and its tasks, merged as flyteadmin merges them.
        annotations: Likewise, without the bridge's own.
        raw_output_prefix: Where tasks put files; empty for the backend's own choice.
        security_context: On whose behalf tasks run, None if nobody says.
        task_resources: What its tasks get that ask for none, and what they get at most; None for what they ask for.
        from_facade: Whether the run carries a v1 execution.
    """

    name: str
    project: str
    domain: str
    spec: execution_pb2.ExecutionSpec = field(default_factory=execution_pb2.ExecutionSpec)
    max_parallelism: int = MAX_PARALLELISM
    interruptible: bool | None = None
    overwrite_cache: bool = False
    envs: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    raw_output_prefix: str = ""
    security_context: security_pb2.SecurityContext | None = None
    task_resources: matchable_resource_pb2.TaskResourceAttributes | None = None
    from_facade: bool = False

    @property
    def launch_plan(self) -> identifier_pb2.Identifier:
        """What was launched: a launch plan, or a task (`resource_type` tells); unset if no façade made the run."""
        return self.spec.launch_plan

    @property
    def mode(self) -> int:
        """`ExecutionMetadata.ExecutionMode`: MANUAL, SCHEDULED, RELAUNCH, CHILD_WORKFLOW, RECOVERED, …."""
        return int(self.spec.metadata.mode)

    @property
    def nesting(self) -> int:
        """How many executions this one is below the first."""
        return int(self.spec.metadata.nesting)

    @property
    def parent_node_execution(self) -> identifier_pb2.NodeExecutionIdentifier | None:
        """The node that started it, None for none."""
        metadata = self.spec.metadata
        return metadata.parent_node_execution if metadata.HasField("parent_node_execution") else None

    @property
    def recover_from(self) -> identifier_pb2.WorkflowExecutionIdentifier | None:
        """The execution whose succeeded nodes are taken over, None unless the mode is RECOVERED.

        Its run is `identifier.run_name` of its name.
        """
        metadata = self.spec.metadata
        if metadata.mode != _Metadata.RECOVERED or not metadata.HasField("reference_execution"):
            return None
        return metadata.reference_execution

    @property
    def id(self) -> identifier_pb2.WorkflowExecutionIdentifier:
        """The execution's v1 identifier."""
        return identifier_pb2.WorkflowExecutionIdentifier(project=self.project, domain=self.domain, name=self.name)


def settings(spec: run_pb2.RunSpec, run: v2_identifier_pb2.RunIdentifier) -> ExecutionSettings:
    """What a run was asked to be.

    Args:
        spec: As `GetRunDetails` answers it.
        run: Whose it is.

    Raises:
        BadExecution: The annotations are broken.
    """
    annotations = dict(spec.annotations.values)
    own = annotations.get(SPEC)
    asked = inflate(own, execution_pb2.ExecutionSpec) if own else _spec_of(spec)
    return ExecutionSettings(
        name=annotations.get(NAME, run.name),
        project=run.project,
        domain=run.domain,
        spec=asked,
        max_parallelism=asked.max_parallelism if own else spec.max_action_concurrency or MAX_PARALLELISM,
        interruptible=spec.interruptible.value if spec.HasField("interruptible") else None,
        overwrite_cache=spec.overwrite_cache or spec.cache_config.overwrite_cache,
        envs={pair.key: pair.value for pair in spec.envs.values},
        labels=dict(spec.labels.values),
        annotations={key: value for key, value in annotations.items() if not key.startswith(RESERVED)},
        raw_output_prefix=spec.raw_data_storage.raw_data_prefix,
        security_context=same(spec.security_context, security_pb2.SecurityContext)
        if spec.HasField("security_context")
        else None,
        task_resources=inflate(
            annotations[TASK_RESOURCES], matchable_resource_pb2.TaskResourceAttributes, TASK_RESOURCES
        )
        if TASK_RESOURCES in annotations
        else None,
        from_facade=own is not None,
    )


def _spec_of(run: run_pb2.RunSpec) -> execution_pb2.ExecutionSpec:
    """The v1 spec of a run that no façade made, as far as the run tells it."""
    spec = execution_pb2.ExecutionSpec(
        max_parallelism=run.max_action_concurrency,
        overwrite_cache=run.overwrite_cache or run.cache_config.overwrite_cache,
    )
    spec.labels.values.update(run.labels.values)
    spec.annotations.values.update(run.annotations.values)
    spec.envs.values.extend(literals_pb2.KeyValuePair(key=pair.key, value=pair.value) for pair in run.envs.values)
    if run.HasField("interruptible"):
        spec.interruptible.CopyFrom(run.interruptible)
    if run.raw_data_storage.raw_data_prefix:
        spec.raw_output_data_config.output_location_prefix = run.raw_data_storage.raw_data_prefix
    if run.HasField("security_context"):
        spec.security_context.CopyFrom(same(run.security_context, security_pb2.SecurityContext))
    if run.cluster_pool:
        spec.cluster_assignment.cluster_pool_name = run.cluster_pool
    return spec


# -- bytes ------------------------------------------------------------------------------------------------------------

_M = TypeVar("_M", bound=Message)


def same(message: Message, other: type[_M]) -> _M:
    """A message as its wire compatible twin of the other Flyte."""
    twin: _M = other()
    twin.ParseFromString(message.SerializeToString())
    return twin


def deflate(message: Message) -> str:
    """A message as text for an annotation."""
    return base64.b64encode(zlib.compress(message.SerializeToString(deterministic=True))).decode()


def inflate(text: str, kind: type[_M], annotation: str = SPEC) -> _M:
    """What `deflate` made into text.

    Raises:
        BadExecution: It is something else.
    """
    try:
        message: _M = kind()
        message.ParseFromString(inflated(base64.b64decode(text, validate=True)))
    except (binascii.Error, DecodeError, ValueError) as error:
        raise BadExecution(f"annotation {annotation} does not hold an {kind.DESCRIPTOR.name}: {error}") from error
    return message
