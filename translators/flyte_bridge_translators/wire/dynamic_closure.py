"""What a dynamic node has become, as the output of an action that records it (`identifier.closure_id`).

One output, `closure`: a binary of the tag below, the deflated `CompiledWorkflowClosure`.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from flyteidl.core import compiler_pb2, literals_pb2
from google.protobuf.message import DecodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "closure"
TAG = "flyte1-closure"


class BadClosureRecord(ValueError):
    """Raised when an action's outputs hold no closure."""


def to_outputs(closure: compiler_pb2.CompiledWorkflowClosure) -> literals_pb2.LiteralMap:
    """The outputs of the action that records a closure."""
    binary = literals_pb2.Binary(tag=TAG, value=zlib.compress(closure.SerializeToString(deterministic=True), 6))
    literal = literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))
    return literals_pb2.LiteralMap(literals={NAME: literal})


def from_outputs(outputs: Mapping[str, literals_pb2.Literal]) -> compiler_pb2.CompiledWorkflowClosure:
    """The closure that an action's outputs hold.

    Raises:
        BadClosureRecord: They hold none.
    """
    binary = outputs[NAME].scalar.binary if NAME in outputs else literals_pb2.Binary()
    if binary.tag != TAG:
        raise BadClosureRecord(f"the outputs hold no closure but {', '.join(sorted(outputs)) or 'nothing'}")
    try:
        return compiler_pb2.CompiledWorkflowClosure.FromString(zlib.decompress(binary.value))
    except (zlib.error, DecodeError) as error:
        raise BadClosureRecord(f"the closure cannot be read: {error}") from error
