"""Names on both sides, and the pure functions between them. Nothing guesses backwards.

| Flyte 1 | Flyte 2 |
|---|---|
| task, workflow, launch plan `p:d:NAME:V` | deployed task `<environment>.NAME` of version V, in the same project and domain |
| execution name, at most 63 characters | run name, at most 30 (`run_name`) |
| unique id of a node (`n1-0-n0`) | action name (`action_name`), at most 30 |

The original names travel with the message: in `TaskTemplate.id` of a deployed task, in the annotations of a run.

Sources: `flytepropeller/pkg/controller/nodes/common/utils.go` (`GenerateUniqueID`),
`flyteplugins/go/tasks/pluginmachinery/encoding/encoder.go`, `flytepropeller/pkg/controller/nodes/subworkflow/util.go`,
`flytepropeller/pkg/controller/nodes/array/utils.go` (v1.16.8); the limits of `flyteidl2/common/identifier.proto`.
"""

from __future__ import annotations

import base64
import hashlib
import re

from flyteidl.core.identifier_pb2 import Identifier, ResourceType, WorkflowExecutionIdentifier
from flyteidl2.common import identifier_pb2
from flyteidl2.task import task_definition_pb2

TASK = "flyte1.task"
WORKFLOW = "flyte1.workflow"
LAUNCH_PLAN = "flyte1.launch-plan"
DOCUMENT = "flyte1.document"
ENVIRONMENTS = {
    ResourceType.TASK: TASK,
    ResourceType.WORKFLOW: WORKFLOW,
    ResourceType.LAUNCH_PLAN: LAUNCH_PLAN,
}
"""The reserved environments, by what lives there."""

MAX_RUN_NAME = 30
MAX_ACTION_NAME = 30
MAX_TASK_NAME = 255
MAX_VERSION = 63
MAX_SHORT_NAME = 63

ROOT = "a0"
"""The action that a run begins with."""

_RUN_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_ACTION_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_FLYTE_ALPHABET = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "abcdefghijklmnopqrstuvwxyz123456")
_MAX_UNIQUE_ID = 20


class Unnameable(ValueError):
    """Raised when a Flyte 1 name has no counterpart in Flyte 2; the message says which and why."""


def run_name(name: str) -> str:
    """The run of an execution: its name where that can be a run's, else what fits of it and a hash of the whole.

    Args:
        name: The execution's name, at most 63 characters.
    """
    if len(name) <= MAX_RUN_NAME and _RUN_NAME.fullmatch(name):
        return name
    return _shortened(name, MAX_RUN_NAME)


def run_of(execution: WorkflowExecutionIdentifier, org: str) -> identifier_pb2.RunIdentifier:
    """The run of an execution, in an organisation of Flyte 2."""
    return identifier_pb2.RunIdentifier(
        org=org, project=execution.project, domain=execution.domain, name=run_name(execution.name)
    )


def task_name(environment: str, name: str) -> str:
    """The name a v1 entity is deployed under.

    Raises:
        Unnameable: It would be longer than Flyte 2 allows.
    """
    deployed = f"{environment}.{name}"
    if len(deployed) > MAX_TASK_NAME:
        most = MAX_TASK_NAME - len(environment) - 1
        raise Unnameable(
            f"name {name!r} has {len(name)} characters, and Flyte 2 has room for {most}: give the entity a shorter name"
        )
    return deployed


def version(v1: str) -> str:
    """The version a v1 entity is deployed under: its own where it fits (63 characters), else cut and hashed."""
    return v1 if len(v1) <= MAX_VERSION else f"{v1[: MAX_VERSION - 17]}-{hashlib.sha256(v1.encode()).hexdigest()[:16]}"


def deployed(entity: Identifier, *, org: str) -> task_definition_pb2.TaskIdentifier:
    """Where a task, workflow or launch plan of Flyte 1 lives in Flyte 2.

    Args:
        entity: Its identifier; `resource_type` decides the environment.
        org: Flyte 2's organisation; Flyte 1's own is ignored, as flyteadmin ignores it.

    Raises:
        Unnameable: Its name is too long, or it is none of the three.
    """
    environment = ENVIRONMENTS.get(entity.resource_type)
    if environment is None:
        kind = ResourceType.Name(entity.resource_type)
        raise Unnameable(f"{kind} {entity.name!r} is no task, workflow or launch plan")
    return task_definition_pb2.TaskIdentifier(
        org=org,
        project=entity.project,
        domain=entity.domain,
        name=task_name(environment, entity.name),
        version=version(entity.version),
    )


def short_name(name: str) -> str:
    """What a reader sees of a v1 name: the last of its dotted parts, at most 63 characters."""
    return name.rsplit(".", 1)[-1][-MAX_SHORT_NAME:]


def unique_id(parent: str, attempt: int, node_id: str) -> str:
    """A node's id that is unique in its execution, as propeller makes it.

    Args:
        parent: The unique id of the enclosing node; empty at the top.
        attempt: Which attempt of the parent this belongs to, from 0.
        node_id: The node's id in its own workflow.
    """
    return fixed_length(f"{parent}-{attempt}-{node_id}" if parent else node_id)


def element_id(array: str, index: int, attempt: int = 0) -> str:
    """The unique id of an array node's element.

    Args:
        array: The array node's unique id.
        index: The element's, from 0.
        attempt: The array node's.
    """
    return fixed_length(f"{array}-{attempt}-n{index}", bits=64)  # 32 bits would collide among thousands of elements


def closure_id(node: str) -> str:
    """The action that records the compiled closure of a dynamic node.

    Args:
        node: The dynamic node's unique id.
    """
    return action_name(f"{node}-closure")


def tried_action(node: str, again: int) -> str:
    """The action of a task node that the driver itself tries again, because it has ended it for its time.

    Args:
        node: The node's unique id.
        again: How often it has, from 0.
    """
    return action_name(f"{node}-again-{again}" if again else node)


def child_execution_name(execution: str, node: str, attempt: int = 0) -> str:
    """The name of the execution that a launch plan node starts.

    Args:
        execution: The parent execution's v1 name.
        node: The node's unique id.
        attempt: The node's, from 0.
    """
    return fixed_length(f"{execution}-{node}-{attempt}", bits=64)


def action_name(node: str) -> str:
    """The action of a node: its unique id where that can be an action's name, else what fits of it and a hash."""
    if len(node) <= MAX_ACTION_NAME and _ACTION_NAME.fullmatch(node) and node != ROOT:
        return node
    return _shortened(node, MAX_ACTION_NAME)


def fixed_length(text: str, *, bits: int = 32) -> str:
    """The text, or `f` and a hash of it when it has more than 20 characters.

    Args:
        text: Any.
        bits: Of the FNV-1a hash: 32 or 64.
    """
    if len(text) <= _MAX_UNIQUE_ID:
        return text
    encoded = base64.b32encode(_fnv1a(text.encode(), bits).to_bytes(bits // 8, "big")).decode().rstrip("=")
    return "f" + encoded.translate(_FLYTE_ALPHABET)


def _fnv1a(data: bytes, bits: int) -> int:
    value, prime = (0x811C9DC5, 0x01000193) if bits == 32 else (0xCBF29CE484222325, 0x100000001B3)
    for byte in data:
        value = (value ^ byte) * prime % (1 << bits)
    return value


def fnv1(data: bytes) -> int:
    """The FNV-1 hash of 64 bits, after which both Flytes' schedulers name executions: the one that multiplies first."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = value * 0x100000001B3 % (1 << 64) ^ byte
    return value


def _shortened(name: str, most: int) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    kept = re.sub(r"[^a-z0-9]+", "-", name.lower())[: most - len(digest) - 1].strip("-")
    if not kept[:1].isalpha():
        kept = f"x{kept}"[: most - len(digest) - 1].rstrip("-")
    return f"{kept}-{digest}"
