"""Tasks that a plugin runs: their types, and the message of theirs that travels as JSON in `custom`.

The messages of `flyteidl.plugins` and `flyteidl2.plugins` have the same fields under the same names, so their JSON is the
same; it is read strictly with both, so that a field one of them lacks is told and never lost.

Sources: `flyteplugins/go/tasks/plugins/k8s/*` (Flyte 1 at v1.16.8 and Flyte 2), which register the task types and read
`custom`; kubeflow's have another message from `task_type_version` 1 on.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from google.protobuf import json_format

if TYPE_CHECKING:
    from collections.abc import Collection

    from flyteidl.core import tasks_pb2
    from google.protobuf.message import Message

MESSAGES: dict[tuple[str, int], tuple[str, str]] = {
    ("spark", 0): ("spark", "SparkJob"),
    ("ray", 0): ("ray", "RayJob"),
    ("dask", 0): ("dask", "DaskJob"),
    ("pytorch", 0): ("pytorch", "DistributedPyTorchTrainingTask"),
    ("pytorch", 1): ("kubeflow.pytorch", "DistributedPyTorchTrainingTask"),
    ("mpi", 0): ("mpi", "DistributedMPITrainingTask"),
    ("mpi", 1): ("kubeflow.mpi", "DistributedMPITrainingTask"),
    ("tensorflow", 0): ("tensorflow", "DistributedTensorflowTrainingTask"),
    ("tensorflow", 1): ("kubeflow.tensorflow", "DistributedTensorflowTrainingTask"),
}
"""Module and message by task type, and the `task_type_version` from which on it holds."""

ECHO = "echo"
"""The task type that gives back what it gets; flyteplugins runs it without a container, and the driver itself."""

WITHOUT_CONTAINER = frozenset({ECHO, "core-sleep", "bigquery_query_job_task", "snowflake", "databricks"})
"""Task types that need none: what flyte-bridge does itself, what Flyte 2 does itself, and its own connectors."""

GONE = {
    "container_array": "map tasks of the array plugin; use `map_task` of flytekit 1.12 or later",
    "aws-batch": "AWS Batch; run the command in a container, or from a task with boto3",
    "hive": "Hive queries by Qubole; query from a Python task",
    "presto": "Presto queries; query from a Python task",
    "athena": "Athena queries; query from a Python task",
    "redshift": "Redshift queries; query from a Python task",
    "sagemaker_training_job_task": "SageMaker's operator; start the job from a Python task",
    "sagemaker_custom_training_job_task": "SageMaker's operator; start the job from a Python task",
    "sagemaker_hyperparameter_tuning_job_task": "SageMaker's operator; start the job from a Python task",
}
"""Task types of Flyte 1's plugins that Flyte 2 does not have, whatever their target: what they are, what to do."""


class BadCustom(ValueError):
    """Raised when the `custom` of a plugin's task is not that plugin's message."""


def refusal(template: tasks_pb2.TaskTemplate, connectors: Collection[str] = ()) -> str:
    """Why no Flyte 2 can run a task; empty when one can.

    What one backend cannot and another can is for that backend to say.

    Args:
        template: The task.
        connectors: Task types that the backend's connectors run, beside those Flyte 2 brings.
    """
    type_ = template.type
    if type_ in connectors:
        return ""
    if type_ in GONE:
        return f"task {template.id.name} is of type {type_!r}, which Flyte 2 does not have: {GONE[type_]}"
    if template.WhichOneof("target") in {"container", "k8s_pod"} or type_ in WITHOUT_CONTAINER:
        return ""
    return (
        f"task {template.id.name} is of type {type_!r} and has no container: in Flyte 1 a plugin or an agent runs it, and "
        "Flyte 2 has no plugin of that type and cannot call Flyte 1's agents; name the type in FLYTE_BRIDGE_CONNECTORS once "
        "a connector of Flyte 2 runs it, or do the work in a Python task"
    )


def check(template: tasks_pb2.TaskTemplate) -> None:
    """Hold that the plugin of Flyte 2 understands the `custom` of a task as that of Flyte 1 did.

    For a task type that is none of `MESSAGES` it is the task's own business.

    Raises:
        BadCustom: It has a field that the plugin's message lacks on one side, or a value of another kind.
    """
    names = _message(template)
    if names is None:
        return
    given = json_format.MessageToDict(template.custom)
    for package in ("flyteidl", "flyteidl2"):
        message = _class(package, *names)()
        try:
            json_format.ParseDict(given, message)
        except json_format.ParseError as error:
            raise BadCustom(
                f"`custom` of task {template.id.name} of type {template.type!r} is no {message.DESCRIPTOR.full_name}: "
                f"{error}; register it with a plugin of the release that flyteidl is of"
            ) from error


def _message(template: tasks_pb2.TaskTemplate) -> tuple[str, str] | None:
    version = 1 if template.task_type_version >= 1 and (template.type, 1) in MESSAGES else 0
    return MESSAGES.get((template.type, version))


def _class(package: str, module: str, name: str) -> type[Message]:
    found: type[Message] = getattr(importlib.import_module(f"{package}.plugins.{module}_pb2"), name)
    return found
