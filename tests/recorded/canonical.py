"""Answers in the form in which flyteadmin's were recorded: what differs from run to run is a placeholder.

Fields are as in flyteidl's descriptors, what is unset is left out, as protobuf's own JSON does not.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flyteidl.admin import execution_pb2, project_pb2  # noqa: F401 - details of statuses, found by name
from flyteidl.event import event_pb2  # noqa: F401
from google.protobuf import json_format, symbol_database
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2

if TYPE_CHECKING:
    import grpc
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

_LONG = 1000
"""Characters of a text of one character from which it was recorded as a count."""

_VOLATILE = [
    (re.compile(r"https?://[^\s\"']*\?[^\s\"']*(X-Amz|Signature|AWSAccessKeyId)[^\s\"']*"), "<signed-url>"),
    (re.compile(r"(https?://)(localhost|127\.0\.0\.1)(:\d+)?"), r"\1<host>"),
    (re.compile(r"(localhost|127\.0\.0\.1):\d+"), "<host>"),
    (re.compile(r"(s3|gs|file)://[^\s\"',\]\)]*?([^/\s\"',\]\)]*)(?=[\s\"',\]\)]|$)"), r"<uri>/\2"),
    (
        re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d( UTC)?( m=\S+)?)?"),
        "<time>",
    ),
    (re.compile(r"H4sI[A-Za-z0-9+/=]{100,}"), "<settings>"),
    (re.compile(r"/tmp/[\w./+-]+"), "<path>"),
    (re.compile(r'File "[^"]*"'), 'File "<path>"'),
]


class Names:
    """What the names of one run stand for in the recorded ones."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def put(self, name: str, stands_for: str) -> None:
        """Note that a name of this run is another's in the recorded ones."""
        if name:
            self._known[name] = stands_for

    def known(self) -> list[tuple[str, str]]:
        """Names of this run with those they stand for."""
        return list(self._known.items())

    def text(self, value: str) -> str:
        """A text with placeholders."""
        if len(value) > _LONG and len(set(value)) == 1:
            return f"<{len(value)} times {value[0]}>"
        for name in sorted(self._known, key=len, reverse=True):
            value = value.replace(name, self._known[name])
        for pattern, placeholder in _VOLATILE:
            value = pattern.sub(placeholder, value)
        return value

    def message(self, message: Message) -> dict[str, Any]:
        """A message's fields."""
        told: dict[str, Any] = {}
        for field, value in message.ListFields():
            if not isinstance(value, Sequence | Mapping) or isinstance(value, str | bytes):
                told[field.name] = self._value(field, value)
            elif field.message_type is not None and field.message_type.GetOptions().map_entry:
                of = field.message_type.fields_by_name["value"]
                told[field.name] = {self.text(str(key)): self._value(of, value[key]) for key in sorted(value)}
            else:
                told[field.name] = [self._value(field, item) for item in value]
        return told

    def _value(self, field: FieldDescriptor, value: Any) -> Any:
        match value:
            case Timestamp():
                return "<time>" if value.seconds else "<zero time>"
            case Duration():
                if field.name == "duration":
                    return "<duration>" if value.seconds or value.nanos else "0s"
                return json_format.MessageToDict(value)
            case Struct():
                return self._plain(json_format.MessageToDict(value))
            case bytes():
                return "<bytes>" if field.name == "content_md5" else base64.b64encode(value).decode()
            case str():
                return "<signed-url>" if field.name == "signed_url" else self.text(value)
        if field.message_type is not None:
            return self.message(value)
        if field.enum_type is not None:
            known = field.enum_type.values_by_number.get(value)
            return known.name if known is not None else value
        return value

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.text(key): self._plain(item) for key, item in sorted(value.items())}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def status(self, error: grpc.RpcError) -> dict[str, Any]:
        """A refusal: its code, its message, its details."""
        told: dict[str, Any] = {"code": error.code().name, "message": self.text(error.details() or "")}
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                told["details"] = [self._detail(one) for one in status_pb2.Status.FromString(value).details]
        return told

    def _detail(self, packed: Any) -> dict[str, Any]:
        name = packed.type_url.rpartition("/")[2]
        detail = symbol_database.Default().GetSymbol(name)()
        packed.Unpack(detail)
        return {"@type": name, **self.message(detail)}


def differences(real: Any, ours: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Where two answers differ: path → both values, `-` for what is not there. Items of lists are paired by their place."""
    if isinstance(real, dict) and isinstance(ours, dict) and (real or ours):
        found: dict[str, tuple[Any, Any]] = {}
        for key in sorted({*real, *ours}):
            below = f"{path}.{key}" if path else key
            found.update(differences(real.get(key, MISSING), ours.get(key, MISSING), below))
        return found
    if isinstance(real, list) and isinstance(ours, list) and (real or ours):
        found = {}
        for index in range(max(len(real), len(ours))):
            pair = [side[index] if index < len(side) else MISSING for side in (real, ours)]
            found.update(differences(*pair, f"{path}[{index}]"))
        return found
    return {} if real == ours else {path: (real, ours)}


MISSING = "-"
"""What an answer without the field has there."""
