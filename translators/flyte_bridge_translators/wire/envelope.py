"""What only Flyte 1 has, packed into a deployed task of Flyte 2.

A workflow or launch plan is deployed as a task of type `flyte1-workflow`, whose `custom` holds an `Envelope`: the compiled
closure, for a launch plan its spec as well. `custom` is a JSON struct, so the deflated bytes travel as base64. Above
`MOST` they are cut into documents, deployed beside it, so that no reader needs credentials for a storage.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flyteidl.admin import launch_plan_pb2, workflow_pb2
from flyteidl.core import compiler_pb2
from google.protobuf.message import DecodeError
from google.protobuf.struct_pb2 import Struct

from flyte_bridge_translators.wire.inflate import MOST as MOST_INFLATED
from flyte_bridge_translators.wire.inflate import inflate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TASK_TYPE = "flyte1-workflow"
"""Type of the tasks that the driver runs."""

FORMAT = 1
"""Raised when what `pack` writes changes so that an older `unpack` cannot read it."""

MOST = 256 * 1024
"""Bytes of base64 that a deployed task carries itself; more is split over documents."""


class BadEnvelope(ValueError):
    """Raised when the `custom` of a deployed task holds no envelope, one of another format, or a broken one."""


@dataclass(frozen=True)
class Envelope:
    """A registered workflow, or a registered launch plan with its workflow.

    Attributes:
        workflow: The workflow as flyteadmin would answer `GetWorkflow`: its id and closure.
        launch_plan: The launch plan as flyteadmin would answer `GetLaunchPlan`; None for a workflow.
    """

    workflow: workflow_pb2.Workflow
    launch_plan: launch_plan_pb2.LaunchPlan | None = None

    @property
    def closure(self) -> compiler_pb2.CompiledWorkflowClosure:
        """The compiled workflow."""
        return self.workflow.closure.compiled_workflow


def pack(envelope: Envelope) -> tuple[Struct, Mapping[str, str]]:
    """Pack an envelope.

    Returns:
        The `custom` of the deployed task, and the documents it names: text by name. They are empty for most
        workflows; a document's name is a hash of its text, so that equal ones are stored once.
    """
    parts = [envelope.workflow.SerializeToString(deterministic=True)]
    if envelope.launch_plan is not None:
        parts.append(envelope.launch_plan.SerializeToString(deterministic=True))
    sizes = [len(part) for part in parts]
    text = base64.b64encode(zlib.compress(b"".join(parts), 6)).decode()
    custom, documents = Struct(), {}
    custom.update({"format": FORMAT, "sizes": sizes})
    if len(text) <= MOST:
        custom.update({"data": text})
    else:
        pieces = [text[at : at + MOST] for at in range(0, len(text), MOST)]
        documents = {f"closure-{hashlib.sha256(piece.encode()).hexdigest()[:32]}": piece for piece in pieces}
        custom.update({"documents": list(documents)})
    return custom, documents


def documents(custom: Struct) -> list[str]:
    """Names of the documents that `unpack` needs, in order.

    Raises:
        BadEnvelope: This is no envelope, or one of another format.
    """
    _check(custom)
    return [document.string_value for document in custom.fields["documents"].list_value.values]


def unpack(custom: Struct, document: Callable[[str], str] | None = None) -> Envelope:
    """Unpack an envelope.

    Args:
        custom: The `custom` of the deployed task.
        document: Gives a document's text by its name; asked for those that `documents` names, and needed only then.

    Raises:
        BadEnvelope: This is no envelope, one of another format, or a broken one.
    """
    names = documents(custom)
    if names and document is None:
        raise BadEnvelope(f"the workflow is split over {len(names)} documents, which were not fetched")
    text = "".join(document(name) for name in names) if names and document else str(custom["data"])
    sizes = [int(size.number_value) for size in custom.fields["sizes"].list_value.values]
    try:
        data = inflate(base64.b64decode(text, validate=True), min(MOST_INFLATED, max(0, sum(sizes))))
        if sum(sizes) != len(data):
            raise BadEnvelope(f"it holds {len(data)} bytes instead of {sum(sizes)}; register the workflow again")
        workflow = workflow_pb2.Workflow.FromString(data[: sizes[0]])
        plan = launch_plan_pb2.LaunchPlan.FromString(data[sizes[0] :]) if len(sizes) > 1 else None
    except (ValueError, DecodeError) as error:
        raise BadEnvelope(f"the compiled workflow cannot be read ({error}); register the workflow again") from error
    return Envelope(workflow, plan)


def _check(custom: Struct) -> None:
    if "format" not in custom:
        raise BadEnvelope("the task is not one that flyte-bridge has deployed: its `custom` holds no workflow")
    if custom["format"] != FORMAT:
        raise BadEnvelope(
            f"the workflow was registered by another flyte-bridge (format {custom['format']:g}, this one reads {FORMAT}); "
            "register it again, or use the release that registered it"
        )
    if not {"sizes"} < set(custom.fields) or not {"data", "documents"} & set(custom.fields):
        raise BadEnvelope("the compiled workflow is incomplete; register the workflow again")
