"""An execution that has ended on another control plane, with its nodes and their values, as a text for documents.

Flyte 2 has no way to create a run that is over, so such an execution is no run: it is told from its record.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, node_execution_pb2, task_execution_pb2
from google.protobuf.message import DecodeError

from flyte_bridge_translators.wire.inflate import MOST as MOST_INFLATED
from flyte_bridge_translators.wire.inflate import inflate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from google.protobuf.message import Message

FORMAT = 1
"""Raised when what is written changes so that an older reader cannot read it."""

MOST = 256 * 1024
"""Characters of a document; a longer record is cut into pieces."""

RECORD, LIST, PIECE = "history", "history-list", "history-piece"
"""Kinds of documents: one execution whole, up to a hundred executions without their nodes, a piece of a long record."""

IMPORTED_FROM = "flyte-bridge/imported-from"
"""The annotation that names the control plane where the execution ran."""


class BadRecord(ValueError):
    """Raised when a text holds no record, one of another format, or a broken one."""


@dataclass(frozen=True)
class PastNode:
    """A node of an execution that has ended.

    Attributes:
        message: As its control plane told it.
        data: What it was given and gave; of a dynamic one also the workflow that it ran.
        attempts: What ran for it.
        parent: The id of the node that it is inside of; empty at the top.
    """

    message: node_execution_pb2.NodeExecution
    data: node_execution_pb2.NodeExecutionGetDataResponse
    attempts: tuple[task_execution_pb2.TaskExecution, ...] = ()
    parent: str = ""


@dataclass(frozen=True)
class PastExecution:
    """An execution that has ended.

    Attributes:
        message: As its control plane told it.
        data: Its inputs and outputs, in full.
        nodes: All of them, by their ids, in the order in which they were told.
    """

    message: execution_pb2.Execution
    data: execution_pb2.WorkflowExecutionGetDataResponse
    nodes: Mapping[str, PastNode]

    @property
    def tasks(self) -> int:
        """How many task executions it has."""
        return sum(len(node.attempts) for node in self.nodes.values())


def to_text(past: PastExecution) -> tuple[str, Mapping[str, str]]:
    """A record as text.

    Returns:
        The text, and the pieces that it names: text by name. A piece is called after its content.
    """
    nodes = [
        {
            "parent": node.parent,
            "node": _written(node.message),
            "data": _written(node.data),
            "attempts": [_written(attempt) for attempt in node.attempts],
        }
        for node in past.nodes.values()
    ]
    whole = {"execution": _written(past.message), "data": _written(past.data), "nodes": nodes}
    packed = _packed(json.dumps(whole, separators=(",", ":")).encode())
    if len(packed) <= MOST:
        return json.dumps({"format": FORMAT, "record": packed}), {}
    cut = [packed[at : at + MOST] for at in range(0, len(packed), MOST)]
    pieces = {f"{PIECE}.{hashlib.sha256(piece.encode()).hexdigest()[:32]}": piece for piece in cut}
    return json.dumps({"format": FORMAT, "pieces": list(pieces)}), pieces


def pieces_of(text: str) -> list[str]:
    """Names of the pieces that `from_text` needs, in order.

    Raises:
        BadRecord: It is no record.
    """
    return [str(name) for name in _read(text).get("pieces", ())]


def from_text(text: str, piece: Callable[[str], str]) -> PastExecution:
    """A record from its text.

    Args:
        text: As `to_text` wrote it.
        piece: Gives a piece by its name.

    Raises:
        BadRecord: It is none.
    """
    told = _read(text)
    packed = "".join(piece(name) for name in told["pieces"]) if "pieces" in told else str(told.get("record", ""))
    try:
        whole: dict[str, Any] = json.loads(_unpacked(packed))
        nodes = [
            PastNode(
                node_execution_pb2.NodeExecution.FromString(base64.b64decode(one["node"])),
                node_execution_pb2.NodeExecutionGetDataResponse.FromString(base64.b64decode(one["data"])),
                tuple(
                    task_execution_pb2.TaskExecution.FromString(base64.b64decode(attempt))
                    for attempt in one["attempts"]
                ),
                str(one["parent"]),
            )
            for one in whole["nodes"]
        ]
        return PastExecution(
            execution_pb2.Execution.FromString(base64.b64decode(whole["execution"])),
            execution_pb2.WorkflowExecutionGetDataResponse.FromString(base64.b64decode(whole["data"])),
            {node.message.id.node_id: node for node in nodes},
        )
    except (ValueError, KeyError, TypeError, DecodeError) as error:
        raise BadRecord(f"the record of an execution cannot be read ({error}); import it again") from error


def list_text(executions: Iterable[execution_pb2.Execution]) -> tuple[str, str]:
    """Executions without their nodes as text.

    Returns:
        The name of its document, which follows from its content, and the text.
    """
    text = _packed(execution_pb2.ExecutionList(executions=executions).SerializeToString(deterministic=True))
    return f"{LIST}.{hashlib.sha256(text.encode()).hexdigest()[:32]}", text


def read_list(text: str) -> list[execution_pb2.Execution]:
    """Executions from the text that `list_text` wrote.

    Raises:
        BadRecord: It is none.
    """
    try:
        return list(execution_pb2.ExecutionList.FromString(_unpacked(text)).executions)
    except (ValueError, DecodeError) as error:
        raise BadRecord(f"a list of executions cannot be read ({error}); import them again") from error


def _read(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
        known = told["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise BadRecord(f"it is no record of an execution: {error}") from error
    if not known:
        raise BadRecord(
            f"the record was written by another flyte-bridge (format {told['format']}, this one reads {FORMAT})"
        )
    return dict(told)


def _written(message: Message) -> str:
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def _packed(data: bytes) -> str:
    return f"{len(data)}:{base64.b64encode(zlib.compress(data, 6)).decode()}"


def _unpacked(text: str) -> bytes:
    size, _, data = text.partition(":")
    return inflate(base64.b64decode(data, validate=True), min(MOST_INFLATED, int(size)))
