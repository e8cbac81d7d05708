"""Generated messages of any type, every field of which may be there."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

_F = FieldDescriptor
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    _F.TYPE_BOOL: st.booleans(),
    _F.TYPE_STRING: _TEXT,
    _F.TYPE_BYTES: st.binary(max_size=4),
    _F.TYPE_DOUBLE: st.floats(allow_nan=False, allow_infinity=False),
    _F.TYPE_FLOAT: st.floats(width=32, allow_nan=False, allow_infinity=False),
    **dict.fromkeys((_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32), st.integers(-(2**31), 2**31 - 1)),
    **dict.fromkeys((_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64), st.integers(-(2**63), 2**63 - 1)),
    **dict.fromkeys((_F.TYPE_UINT32, _F.TYPE_FIXED32), st.integers(0, 2**32 - 1)),
    **dict.fromkeys((_F.TYPE_UINT64, _F.TYPE_FIXED64), st.integers(0, 2**64 - 1)),
}
_DEEPEST = 4


def messages(kind: type[Message], *, deepest: int = _DEEPEST) -> st.SearchStrategy[Any]:
    """Messages of a kind: any of its fields, nested `deepest` levels."""
    return st.builds(lambda chosen: _build(kind.DESCRIPTOR, chosen), _fields(kind.DESCRIPTOR, deepest))


@st.composite
def _fields(draw: st.DrawFn, descriptor: Descriptor, deepest: int) -> dict[str, Any]:
    if descriptor.full_name == "google.protobuf.Struct":
        return {"": draw(st.dictionaries(_TEXT, _TEXT | st.booleans() | st.integers(-9, 9), max_size=2))}
    if descriptor.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
        return {"seconds": draw(st.integers(0, 10**9)), "nanos": draw(st.integers(0, 10**9 - 1))}
    if descriptor.full_name == "google.protobuf.Any":
        return {}
    chosen: dict[str, Any] = {}
    taken: set[str] = set()
    for field in draw(st.permutations(list(descriptor.fields))):
        oneof = field.containing_oneof.name if field.containing_oneof is not None else None
        if oneof in taken or (deepest <= 0 and field.message_type is not None) or not draw(st.booleans()):
            continue
        if oneof is not None:
            taken.add(oneof)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            keys = _value(field.message_type.fields_by_name["key"], deepest)
            values = _value(field.message_type.fields_by_name["value"], deepest)
            chosen[field.name] = draw(st.dictionaries(keys, values, max_size=2))
        elif field.is_repeated:
            chosen[field.name] = draw(st.lists(_value(field, deepest), max_size=2))
        else:
            chosen[field.name] = draw(_value(field, deepest))
    return chosen


def _value(field: FieldDescriptor, deepest: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return _fields(field.message_type, deepest - 1)
    if field.enum_type is not None:
        return st.sampled_from(sorted(field.enum_type.values_by_number))
    return _SCALARS[field.type]


def _build(descriptor: Descriptor, chosen: dict[str, Any]) -> Any:
    message = GetMessageClass(descriptor)()
    if "" in chosen:
        message.update(chosen[""])
        return message
    for name, value in chosen.items():
        field = descriptor.fields_by_name[name]
        target = getattr(message, name) if field.is_repeated or field.message_type is not None else None
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            inner = field.message_type.fields_by_name["value"]
            for key, one in value.items():
                if inner.message_type is not None:
                    target[key].CopyFrom(_build(inner.message_type, one))
                else:
                    target[key] = one
        elif field.is_repeated and field.message_type is not None:
            target.extend([_build(field.message_type, one) for one in value])
        elif field.is_repeated:
            target.extend(value)
        elif field.message_type is not None:
            target.CopyFrom(_build(field.message_type, value))
        else:
            setattr(message, name, value)
    return message
