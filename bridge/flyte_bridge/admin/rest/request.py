"""An RPC's request from an HTTP request: body, then path, then query, as grpc-gateway fills it.

Names of fields are those of the proto file or of its JSON form. A query parameter that is no field is passed over, and so
is one whose field the path gives; both are grpc-gateway's rules (`runtime/query.go`), which clients rely on.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from flyte_bridge.admin import descriptors
from flyte_bridge.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from google.protobuf.message import Message

    from flyte_bridge.admin.rest.routes import Route

_ENTRY = re.compile(r"(.*)\[(.*)\]")
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})  # Go's strconv.ParseBool
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64),
}
_WRITTEN = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"})
"""Messages that a parameter writes as text."""


def from_json(message: Message, data: bytes, *, strict: bool) -> None:
    """Fills a message from a JSON body; an empty body is an empty message.

    Args:
        message: What is filled.
        data: The body.
        strict: Whether an unknown field is refused.

    Raises:
        InvalidRequest: The body is not the message's JSON.
    """
    if not data.strip():
        return
    try:
        json_format.Parse(data, message, ignore_unknown_fields=not strict)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"not the JSON of a {message.DESCRIPTOR.full_name}: {error}") from error


def from_protobuf(message: Message, data: bytes) -> None:
    """Fills a message from a body that is protobuf.

    Raises:
        InvalidRequest: The body is no such message.
    """
    try:
        message.MergeFromString(data)
    except DecodeError as error:
        raise InvalidRequest(f"not a {message.DESCRIPTOR.full_name}: {error}") from error


def from_path(message: Message, values: dict[str, str]) -> None:
    """Sets what the path gives.

    Raises:
        InvalidRequest: A value does not fit its field.
    """
    path = ""
    try:
        for path, value in values.items():
            _set(message, path.split("."), [value])
    except ValueError as error:
        raise InvalidRequest(f"type mismatch, parameter: {path}, error: {error}") from error


def from_query(message: Message, parameters: Iterable[tuple[str, str]], route: Route) -> None:
    """Sets what the query gives, but for fields of the path.

    Raises:
        InvalidRequest: A value does not fit its field, or a field that holds one value is given more.
    """
    grouped: dict[str, list[str]] = {}
    for name, value in parameters:
        grouped.setdefault(name, []).append(value)
    bound = tuple(tuple(variable.split(".")) for variable in route.variables)
    for name, values in grouped.items():
        entry = _ENTRY.fullmatch(name)
        path = (entry.group(1) if entry else name).split(".")
        if any(tuple(path[: len(prefix)]) == prefix for prefix in bound):
            continue
        try:
            _set(message, path, [entry.group(2), *values] if entry else values)
        except ValueError as error:
            raise InvalidRequest(str(error)) from error


def _set(message: Message, path: list[str], values: list[str]) -> None:
    *parents, last = path
    for name in parents:
        field = _field(message, name)
        if field is None:
            return
        if field.message_type is None or field.is_repeated:
            raise ValueError(f'invalid path: "{name}" is not a message')
        _check_oneof(message, field)
        message = getattr(message, field.name)
        message.SetInParent()
    field = _field(message, last)
    if field is not None:
        _check_oneof(message, field)
        _store(message, field, values)


def _field(message: Message, name: str) -> FieldDescriptor | None:
    fields = descriptors.of(message)
    return fields.fields_by_name.get(name) or fields.fields_by_camelcase_name.get(name)


def _check_oneof(message: Message, field: FieldDescriptor) -> None:
    oneof = field.containing_oneof
    if oneof is None:
        return
    already = message.WhichOneof(oneof.name)
    if already is not None and (already != field.name or field.message_type is None):
        raise ValueError(f'field already set for oneof "{oneof.name}"')


def _store(message: Message, field: FieldDescriptor, values: list[str]) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = field.message_type.fields_by_name["key"], field.message_type.fields_by_name["value"]
        if len(values) != 2:
            raise ValueError(f"{field.name}: say `{field.name}[KEY]=VALUE`, one value for each key")
        if value.message_type is not None:
            raise ValueError(f'unsupported message type "{value.message_type.full_name}"')
        getattr(message, field.name)[_scalar(key, values[0])] = _scalar(value, values[1])
    elif field.is_repeated:
        for text in values:
            _add(getattr(message, field.name), field, text)
    elif len(values) > 1:
        raise ValueError(f'too many values for field "{field.name}": {", ".join(values)}')
    elif field.message_type is not None:
        _write(getattr(message, field.name), values[0])
    else:
        setattr(message, field.name, _scalar(field, values[0]))


def _add(values: Any, field: FieldDescriptor, text: str) -> None:
    if field.message_type is not None:
        _write(values.add(), text)
    else:
        values.append(_scalar(field, text))


def _write(message: Any, text: str) -> None:
    if message.DESCRIPTOR.full_name not in _WRITTEN:
        raise ValueError(f'unsupported message type "{message.DESCRIPTOR.full_name}"')
    message.FromJsonString(text)


def _boolean(text: str) -> bool:
    if text not in _TRUE | _FALSE:
        raise ValueError(f'parsing "{text}": invalid syntax')
    return text in _TRUE


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error as error:
        raise ValueError(f'parsing "{text}": {error}') from error


_PARSERS: dict[int, Callable[[str], Any]] = {
    FieldDescriptor.CPPTYPE_BOOL: _boolean,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
    FieldDescriptor.CPPTYPE_FLOAT: float,
}


def _scalar(field: FieldDescriptor, text: str) -> Any:
    """The value that a text means for a field.

    Raises:
        ValueError: It means none.
    """
    if field.enum_type is not None:
        value = field.enum_type.values_by_name.get(text)
        if value is not None:
            return value.number
        if text.lstrip("-").isdecimal() and int(text) in field.enum_type.values_by_number:
            return int(text)
        raise ValueError(f'"{text}" is not a valid value')
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(text)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return text
    if field.cpp_type in _INTEGERS:
        low, high = _INTEGERS[field.cpp_type]
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise ValueError(f'parsing "{text}": invalid syntax')
        if not low <= int(text) < high:
            raise ValueError(f'parsing "{text}": value out of range')
        return int(text)
    return _PARSERS[field.cpp_type](text)
