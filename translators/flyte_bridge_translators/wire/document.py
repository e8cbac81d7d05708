"""What Flyte 1 keeps beside its entities, as deployed tasks of Flyte 2 that nobody runs.

Which version of a launch plan is active, the state of a named entity, attributes, the pieces of a large workflow: each is
a task `flyte1.document.NAME` of version `1`, whose `custom` holds a text. `DeployTask` replaces it, `GetTaskDetails`
reads it. A short text is put into the task's short description as well, which `ListTasks` tells: so many documents are
read with one call. A longer one leaves a digest there.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flyteidl2.core import identifier_pb2, interface_pb2, tasks_pb2
from flyteidl2.task import task_definition_pb2

from flyte_bridge_translators.wire import identifier

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct

TASK_TYPE = "flyte1-document"
VERSION = "1"
MOST_INLINE = 240
"""Characters of a text that fit into a short description; the real backend cuts it at 255."""

_INLINE, _DIGEST = "=", "#"


class BadDocument(ValueError):
    """Raised when a deployed task holds no document."""


def name(kind: str, of: str) -> str:
    """The name of a document about something that has a name of its own.

    Args:
        kind: What is told, such as `launch-plan-active`.
        of: Of what; too long a name is cut and hashed, so let the text repeat it where it matters.
    """
    most = identifier.MAX_TASK_NAME - len(f"{identifier.DOCUMENT}.{kind}.")
    if len(of) > most:
        of = f"{of[: most - 33]}-{hashlib.sha256(of.encode()).hexdigest()[:32]}"
    return f"{kind}.{of}"


def task_id(project: str, domain: str, document: str, *, org: str) -> task_definition_pb2.TaskIdentifier:
    """Where a document lives.

    Args:
        project: Flyte's.
        domain: Flyte's.
        document: Its name.
        org: Flyte 2's organisation.
    """
    deployed = identifier.task_name(identifier.DOCUMENT, document)
    return task_definition_pb2.TaskIdentifier(org=org, project=project, domain=domain, name=deployed, version=VERSION)


def to_spec(where: task_definition_pb2.TaskIdentifier, text: str) -> task_definition_pb2.TaskSpec:
    """A text as a task to deploy.

    Args:
        where: Where the document lives.
        text: Any.
    """
    template = tasks_pb2.TaskTemplate(
        id=identifier_pb2.Identifier(
            resource_type=identifier_pb2.TASK,
            org=where.org,
            project=where.project,
            domain=where.domain,
            name=where.name,
            version=where.version,
        ),
        type=TASK_TYPE,
        metadata=tasks_pb2.TaskMetadata(),
        interface=interface_pb2.TypedInterface(inputs=interface_pb2.VariableMap(), outputs=interface_pb2.VariableMap()),
    )
    template.custom.update({"text": text})
    short = text.isprintable() and len(text.encode()) <= MOST_INLINE
    spec = task_definition_pb2.TaskSpec(task_template=template, short_name="document")
    spec.environment.name = identifier.DOCUMENT
    spec.documentation.short_description = (
        f"{_INLINE}{text}" if short else f"{_DIGEST}{hashlib.sha256(text.encode()).hexdigest()}"
    )
    return spec


def text_of(custom: Struct) -> str:
    """The text of a document.

    Args:
        custom: Of the deployed task's template.

    Raises:
        BadDocument: There is none.
    """
    if "text" not in custom:
        raise BadDocument("the task holds no document of Flyte 1's; something else was deployed under a reserved name")
    return str(custom["text"])


def listed(short_description: str) -> tuple[str | None, str]:
    """What a list tells of a document.

    Args:
        short_description: As `ListTasks` has it.

    Returns:
        The text, if it is short, and what changes whenever the text does.
    """
    if short_description.startswith(_INLINE):
        return short_description[1:], short_description
    return None, short_description
