"""Descriptors of messages, under the one type they are documented with: the stubs name each implementation of protobuf's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.message import Message


def of(message: Message | type[Message]) -> Descriptor:
    """What a message, or a class of them, consists of."""
    return cast("Descriptor", message.DESCRIPTOR)
