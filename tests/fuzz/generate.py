"""Seeded messages nobody should send: any field, hostile values beside names that exist, and damaged bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from google.protobuf.message import Message

HOSTILE = (
    "",
    "x",
    "'; DROP TABLE actions; --",
    '"quoted"',
    "eq(phase,FAILED)+",
    "value_in(phase,;;)",
    "../../etc/passwd",
    "a/b/c",
    "%00%0d%0a",
    "a\x00b",
    "line\r\nbreak\tand\x1b[31mcolour",
    "ünïcödé ✓ \u202edlrow",
    "n" * 3000,
    "-1",
    "99999999999999999999999",
    "0.0.0.0",
    "s3://",
    "s3://other/bucket",
    "gs://x/y",
    "file:///etc/passwd",
    "flyte://v1/flytesnacks/development/x/n0/o",
    "f(x,y",
    "contains(execution_name,%)",
    "* * * * *",
    "@hourly",
    "$.inputs.x",
    "{{.input}}",
)
"""Strings with which servers were broken before, or that mean something in one of these protocols."""

_BITS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
}
_LONG = (-(2**63), 2**63 - 1)
_FLOATS = (0.0, -1.5, 1e308, float("inf"), float("nan"))
_DEEPEST = 6


class Messages:
    """Makes messages.

    Args:
        chance: Where all choices come from.
        known: Values that exist, by the name of the field that takes them.
    """

    def __init__(self, chance: random.Random, known: Mapping[str, Sequence[str]]) -> None:
        self._chance = chance
        self._known = known

    def message(self, kind: type[Message]) -> Message:
        """A message of a kind, any of whose fields may be set."""
        message = kind()
        self._fill(message, 0, self._chance.choice((0.3, 0.6, 0.9)))
        return message

    def changed(self, message: Message) -> Message:
        """A copy in which a few fields, anywhere, are something else or gone."""
        copy = type(message)()
        copy.CopyFrom(message)
        for _ in range(self._chance.randint(1, 3)):
            self._change(copy)
        return copy

    def _change(self, message: Message) -> None:
        fields = [field for field, _ in message.ListFields()]
        if not fields or self._chance.random() < 0.1:
            self._fill(message, _DEEPEST - 2, 0.4)
            return
        field = self._chance.choice(fields)
        holder = getattr(message, field.name)
        if field.message_type is not None and self._chance.random() < 0.85:
            if field.message_type.GetOptions().map_entry:
                inner = [one for one in holder.values() if hasattr(one, "DESCRIPTOR")]
            else:
                inner = list(holder) if field.is_repeated else [holder]
            if inner:
                self._change(self._chance.choice(inner))
                return
        message.ClearField(field.name)
        if field.message_type is None and self._chance.random() < 0.7:
            if field.is_repeated:
                getattr(message, field.name).extend(self._scalar(field) for _ in range(self._chance.randint(1, 3)))
            else:
                setattr(message, field.name, self._scalar(field))

    def damaged(self, wire: bytes) -> bytes:
        """Bytes of which a few are changed, lost, or there twice."""
        damaged = bytearray(wire or b"\x0a\x00")
        for _ in range(self._chance.randint(1, 4)):
            at = self._chance.randrange(len(damaged) + 1)
            way = self._chance.randrange(4)
            if way == 0 and at < len(damaged):
                damaged[at] = self._chance.randrange(256)
            elif way == 1:
                del damaged[at:]
            elif way == 2:
                damaged[at:at] = self._chance.randbytes(self._chance.randint(1, 8))
            else:
                damaged[at:at] = damaged[: self._chance.randint(0, 64)]
        return bytes(damaged)

    def _fill(self, message: Message, depth: int, density: float) -> None:
        for field in message.DESCRIPTOR.fields:
            if depth > _DEEPEST or self._chance.random() > (density if depth else max(density, 0.6)):
                continue
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                self._fill_map(getattr(message, field.name), field, depth, density)
            elif field.message_type is not None:
                holder = getattr(message, field.name)
                if field.is_repeated:
                    for _ in range(self._chance.randint(1, 2)):
                        self._fill(holder.add(), depth + 1, density)
                else:
                    holder.SetInParent()
                    self._fill(holder, depth + 1, density)
            elif field.is_repeated:
                getattr(message, field.name).extend(self._scalar(field) for _ in range(self._chance.randint(1, 3)))
            else:
                setattr(message, field.name, self._scalar(field))

    def _fill_map(self, holder: Any, field: FieldDescriptor, depth: int, density: float) -> None:
        entry = field.message_type.fields_by_name
        for _ in range(self._chance.randint(1, 2)):
            key = self._scalar(entry["key"])
            if entry["value"].message_type is not None:
                self._fill(holder[key], depth + 1, density)
            else:
                holder[key] = self._scalar(entry["value"])

    def _scalar(self, field: FieldDescriptor) -> Any:
        if field.type == FieldDescriptor.TYPE_STRING:
            known = self._known.get(field.name, ())
            return self._chance.choice(known if known and self._chance.random() < 0.7 else HOSTILE)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self._chance.choice((b"", b"\x0a\x03abc", self._chance.randbytes(20)))
        if field.type == FieldDescriptor.TYPE_BOOL:
            return self._chance.random() < 0.5
        if field.type == FieldDescriptor.TYPE_ENUM:
            values = [value.number for value in field.enum_type.values]
            return self._chance.choice([*values, 99])
        if field.type in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            return self._chance.choice(_FLOATS)
        low, high = _BITS.get(field.type, _LONG)
        return self._chance.choice((low, high, 0, 1, 2, 20, 1000))
