"""Answers as grpc-gateway writes them: every field that could be there is, and what is unset is null.

flyteadmin registers three forms (`flyteadmin/pkg/server/service.go`): whoever accepts `application/json` gets the names
of the proto files, whoever accepts `application/octet-stream` (Flyte 1's console) gets protobuf, and everybody else gets
JSON with its own names (`lowerCamelCase`).
"""

from __future__ import annotations

import enum
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from flyte_bridge.admin import descriptors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.descriptor import Descriptor, FieldDescriptor
    from google.protobuf.message import Message


class Form(enum.Enum):
    """How messages cross, by the content type that asks for it."""

    PROTO_NAMES = "application/json"
    PROTOBUF = "application/octet-stream"
    JSON_NAMES = "*/*"

    @property
    def content_type(self) -> str:
        """The content type of an answer in this form."""
        return "application/octet-stream" if self is Form.PROTOBUF else "application/json"


_FORMS = {form.value: form for form in Form}


def form_of(accept: Iterable[str], content_type: Iterable[str]) -> tuple[Form, Form]:
    """The forms of a request's body and of its answer.

    Args:
        accept: The values of `Accept`: one that is not exactly a known content type counts for nothing.
        content_type: The values of `Content-Type`; parameters such as a charset do not matter.
    """
    body = next(
        (_FORMS[name] for name in (text.partition(";")[0].strip() for text in content_type) if name in _FORMS), None
    )
    told = next((_FORMS[text] for text in accept if text in _FORMS), None)
    body = body or Form.JSON_NAMES
    return body, told or body


def write(message: Message, form: Form) -> bytes:
    """A message in a form."""
    if form is Form.PROTOBUF:
        data: bytes = message.SerializeToString()
        return data
    plain = json_format.MessageToDict(
        message,
        preserving_proto_field_name=form is Form.PROTO_NAMES,
        always_print_fields_with_no_presence=True,
    )
    _fill(message, plain, proto_names=form is Form.PROTO_NAMES)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()


@cache
def _messages_of(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    """The fields of a message that are messages themselves."""
    return tuple(field for field in descriptor.fields if field.message_type is not None)


def _is_text(descriptor: Descriptor) -> bool:
    """Whether a message is not written as an object of its fields."""
    return bool(descriptor.full_name.startswith("google.protobuf."))


def _fill(message: Message, plain: dict[str, Any], *, proto_names: bool) -> None:
    """Adds null for each unset message; `json_format` leaves those out, Go's protojson writes them."""
    for field in _messages_of(descriptors.of(message)):
        name = field.name if proto_names else field.json_name
        inner = field.message_type
        assert inner is not None  # _messages_of gives no others
        if inner.GetOptions().map_entry:
            value = inner.fields_by_name["value"]
            if value.message_type is not None and not _is_text(value.message_type):
                entries = getattr(message, field.name)
                for key in entries:
                    _fill(entries[key], plain[name][_key(key)], proto_names=proto_names)
        elif field.is_repeated:
            if not _is_text(inner):
                for part, written in zip(getattr(message, field.name), plain[name], strict=True):
                    _fill(part, written, proto_names=proto_names)
        elif not message.HasField(field.name):
            if field.containing_oneof is None:
                plain[name] = None
        elif not _is_text(inner):
            _fill(getattr(message, field.name), plain[name], proto_names=proto_names)


def _key(key: object) -> str:
    """A map's key as JSON has it."""
    return str(key).lower() if isinstance(key, bool) else str(key)
