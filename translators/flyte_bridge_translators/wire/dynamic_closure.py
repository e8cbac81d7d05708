"""What a dynamic node has become, as the output of an action that records it (`identifier.closure_id`).

Two outputs: `closure`, a binary of the tag below, the deflated `CompiledWorkflowClosure`; and `attempt`, which attempt of the
task has left it, from 0: ids of the nodes beneath hold the number, also in a run that takes them over from this one.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from flyteidl.core import compiler_pb2, literals_pb2
from google.protobuf.message import DecodeError

from flyte_bridge_translators.wire.inflate import BadDeflate, inflate

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "closure"
ATTEMPT = "attempt"
TAG = "flyte1-closure"


class BadClosureRecord(ValueError):
    """Raised when an action's outputs hold no closure."""


def to_outputs(closure: compiler_pb2.CompiledWorkflowClosure, attempt: int) -> literals_pb2.LiteralMap:
    """The outputs of the action that records a closure, and which attempt has left it."""
    binary = literals_pb2.Binary(tag=TAG, value=zlib.compress(closure.SerializeToString(deterministic=True), 6))
    literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))
    number = literals_pb2.Literal(scalar=literals_pb2.Scalar(primitive=literals_pb2.Primitive(integer=attempt)))
    return literals_pb2.LiteralMap(literals={NAME: literal, ATTEMPT: number})


def attempt_of(outputs: Mapping[str, literals_pb2.Literal]) -> int:
    """Which attempt of the task has left the closure that an action's outputs hold; 0 where they do not say."""
    return int(outputs[ATTEMPT].scalar.primitive.integer) if ATTEMPT in outputs else 0


def from_outputs(outputs: Mapping[str, literals_pb2.Literal]) -> compiler_pb2.CompiledWorkflowClosure:
    """The closure that an action's outputs hold.

    Raises:
        BadClosureRecord: They hold none.
    """
    binary = outputs[NAME].scalar.binary if NAME in outputs else literals_pb2.Binary()
    if binary.tag != TAG:
        raise BadClosureRecord(f"the outputs hold no closure but {', '.join(sorted(outputs)) or 'nothing'}")
    try:
        return compiler_pb2.CompiledWorkflowClosure.FromString(inflate(binary.value))
    except (BadDeflate, DecodeError) as error:
        raise BadClosureRecord(f"the closure cannot be read: {error}") from error
