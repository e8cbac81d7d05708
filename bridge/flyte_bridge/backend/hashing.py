"""Hashes of inputs and interfaces, for cache keys.

The formulas are the SDK's (`flyte/_internal/runtime/convert.py`), so that a task run as a root and the same task called
by another share their cache entries.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import msgpack
from flyteidl2.core import interface_pb2, literals_pb2, tasks_pb2

if TYPE_CHECKING:
    from collections.abc import Collection

    from flyteidl2.task import common_pb2


def digest(data: str | bytes) -> str:
    """SHA-256 in Base64."""
    data = data.encode() if isinstance(data, str) else data
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def inputs(message: common_pb2.Inputs, ignored: Collection[str] = ()) -> str:
    """The hash of inputs, without those a task's cache ignores; empty if none are left."""
    literals = [named for named in message.literals if named.name not in ignored]
    if not literals:
        return ""
    return digest(b"".join(named.name.encode() + b":" + _literal(named.value) + b";" for named in literals))


def interface(message: interface_pb2.TypedInterface) -> str:
    """The hash of an interface, whatever order its variables come in."""
    ordered = interface_pb2.TypedInterface()
    ordered.CopyFrom(message)
    for side in ("inputs", "outputs"):
        if message.HasField(side):
            variables = getattr(ordered, side).variables
            entries = sorted(variables, key=lambda entry: str(entry.key))
            del variables[:]
            variables.extend(entries)
    return digest(ordered.SerializeToString(deterministic=True))


def cache_key(template: tasks_pb2.TaskTemplate, inputs_hash: str) -> str:
    """The cache key of a call of a task.

    Args:
        template: The task; its name, interface and `discovery_version` take part.
        inputs_hash: As `inputs` makes it, or as the caller of CreateRun gave it.
    """
    version = template.metadata.discovery_version
    return digest(f"{inputs_hash}{template.id.name}{interface(template.interface)}{version}")


def _literal(literal: literals_pb2.Literal) -> bytes:
    if literal.hash:  # the user's own word for the content
        return str(literal.hash).encode()
    if literal.HasField("collection"):
        return b"".join(_literal(one) for one in literal.collection.literals)
    if literal.HasField("map"):
        values = literal.map.literals
        return b"".join(key.encode() + _literal(values[key]) for key in sorted(values))
    if literal.scalar.HasField("binary") and literal.scalar.binary.tag == "msgpack":
        ordered = _ordered(literal.scalar.binary.value)
        if ordered != literal.scalar.binary.value:
            copy = literals_pb2.Literal()
            copy.CopyFrom(literal)
            copy.scalar.binary.value = ordered
            literal = copy
    return bytes(literal.SerializeToString(deterministic=True))


def _ordered(data: bytes) -> bytes:
    """The same msgpack with its maps' keys in order: equal values, equal bytes."""

    def order(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: order(value[key]) for key in sorted(value, key=msgpack.packb)}
        if isinstance(value, (list, tuple)):
            return [order(one) for one in value]
        return value

    try:
        return bytes(msgpack.packb(order(msgpack.unpackb(data, strict_map_key=False))))
    except Exception:  # not msgpack after all, or beyond its types: as it came
        return data
