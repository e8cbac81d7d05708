"""What became of a failure: Flyte 1's codes, the failure node's error input, `error.pb`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl.core import errors_pb2, execution_pb2, literals_pb2, types_pb2
from flyteidl2.core.execution_pb2 import ExecutionError

from flyte_bridge.errors import NodeError
from flyte_bridge_translators.flyte1.names import UNKNOWN
from flyte_bridge_translators.wire import error_document, exhausted

if TYPE_CHECKING:
    from collections.abc import Mapping

ABORTED = "NodeAborted"
_KINDS: Mapping[str, Any] = {"USER": execution_pb2.ExecutionError.USER, "SYSTEM": execution_pb2.ExecutionError.SYSTEM}


def of_action(error: Any, node: str, *, phase: str) -> NodeError:
    """A failed action as the failure of its node.

    Args:
        error: `ExecutionError` of Flyte 2, empty if the backend says nothing.
        node: The node's unique id.
        phase: How it ended, for people.
    """
    code = exhausted.CODES.get(error.code, error.code) or UNKNOWN
    message = error.message or f"its action ended as {phase}, and the backend does not say why; see the action's log"
    system = error.kind == execution_pb2.ExecutionError.SYSTEM
    return NodeError(message, code=code, node=node, kind="SYSTEM" if system else "USER", told=True)


_SYSTEM = ExecutionError.SYSTEM


def of_document(data: bytes, node: str) -> NodeError | None:
    """The failure that an `error.pb` holds; None for one that cannot be read, or says nothing.

    Args:
        data: Its bytes.
        node: The node's unique id.
    """
    error = error_document.read(data)
    if error is None:
        return None
    system = error.origin == _SYSTEM
    code = exhausted.CODES.get(error.code, error.code) or UNKNOWN
    return NodeError(error.message, code=code, node=node, kind="SYSTEM" if system else "USER", told=True)


def execution_error(error: NodeError) -> execution_pb2.ExecutionError:
    """A failure as Flyte 1 records it."""
    return execution_pb2.ExecutionError(code=error.code, message=text(error), kind=_KINDS[error.kind])


def text(error: NodeError) -> str:
    """The message; of what the engine itself finds wrong with the node in front, as propeller has it (`nodes/errors/error.go`)."""
    own = error.kind == "SYSTEM" and not error.told
    return f"failed at Node[{error.node}]. {error}" if own and error.node else str(error)


def exhausted_by(error: NodeError, attempts: int) -> NodeError:
    """A task's last failure as that of its node, whose attempts are used up if another might have mended it.

    Args:
        error: What the last attempt failed with.
        attempts: How many there were.
    """
    if not error.code.startswith(exhausted.RETRIES) or str(error).startswith("["):
        return error
    said = exhausted.message(str(error), attempts, error.kind)
    return NodeError(said, code=error.code, node=error.node, kind=error.kind, told=True)


def document(error: NodeError, *, again: bool = False) -> errors_pb2.ErrorDocument:
    """The `error.pb` of a failure.

    Args:
        error: The failure.
        again: Whether another attempt of the driver may mend it; a failed node stays failed.
    """
    kind = errors_pb2.ContainerError.RECOVERABLE if again else errors_pb2.ContainerError.NON_RECOVERABLE
    result = errors_pb2.ErrorDocument()
    result.error.code, result.error.message = error.code, text(error)
    result.error.kind, result.error.origin = kind, _KINDS[error.kind]
    result.error.timestamp.GetCurrentTime()
    return result


def error_input(inputs: literals_pb2.LiteralMap, types: Mapping[str, Any] | None, error: NodeError) -> None:
    """Give a failure node the error, in each input of type ERROR, optional or not (`nodes/resolve.go`).

    Args:
        inputs: Changed in place.
        types: The failure node's input types by name; None if unknown, then it gets none.
        error: What failed.
    """
    for name, wanted in (types or {}).items():
        literal = literals_pb2.Literal()
        literal.scalar.error.failed_node_id = error.node
        literal.scalar.error.message = str(error)
        if _is_error(wanted):
            inputs.literals[name].CopyFrom(literal)
            continue
        for variant in wanted.union_type.variants:
            if _is_error(variant):
                union = inputs.literals[name].scalar.union
                union.type.CopyFrom(variant)
                union.value.CopyFrom(literal)


def _is_error(wanted: Any) -> bool:
    return bool(wanted.WhichOneof("type") == "simple" and wanted.simple == types_pb2.ERROR)
