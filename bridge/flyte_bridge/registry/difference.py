"""How two messages of one kind differ, as flyteadmin tells those who register an entity again (`pkg/errors/errors.go`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

MOST = 3 * 1024 * 1024
"""Bytes of a message; above them it is cut, since gRPC's own limit is 4 MiB."""

_CUT = "\n\n... [diff truncated — exceeded gRPC max message size]"


def tell(old: Message, new: Message) -> str:
    """Each place where they differ, with both values.

    Args:
        old: As it is registered.
        new: As it would be.
    """
    before, after = (MessageToDict(message, preserving_proto_field_name=True) for message in (old, new))
    return "\n".join(f"{path}:\n\t- {_text(one)} \n\t+ {_text(other)}" for path, one, other in _walk("", before, after))


def cut(message: str) -> str:
    """A message that fits into a status."""
    data = message.encode()
    return message if len(data) <= MOST else data[: MOST - len(_CUT.encode())].decode(errors="ignore") + _CUT


def _walk(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _walk(f"{path}/{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            one = old[index] if index < len(old) else None
            yield from _walk(f"{path}/{index}", one, new[index] if index < len(new) else None)
    elif old != new:
        yield path, old, new


def _text(value: Any) -> str:
    if value is None:
        return "<nil>"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
