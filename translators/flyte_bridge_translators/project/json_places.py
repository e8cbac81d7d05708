"""Where the members of a JSON text stand, so that one value can be written anew and every other byte stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Member:
    """A value of an object or a list: its key, where it starts, where it has ended, and what it is."""

    key: str
    start: int
    end: int
    value: object


def members(text: str, start: int) -> Iterator[Member]:
    """The members of the object or list that starts at an offset of a JSON text.

    Raises:
        ValueError: It is none.
    """
    close = {"{": "}", "[": "]"}.get(text[start : start + 1])
    if close is None:
        raise ValueError(f"no object or list at {start}")
    position = _skipped(text, start + 1)
    while text[position : position + 1] not in {close, ""}:
        key = ""
        if close == "}":
            key, position = _DECODER.raw_decode(text, position)
            position = _skipped(text, _skipped(text, position) + 1)
        value, end = _DECODER.raw_decode(text, position)
        yield Member(key, position, end, value)
        position = _skipped(text, end)
        if text[position : position + 1] == ",":
            position = _skipped(text, position + 1)


def beginning(text: str) -> int:
    """Where the value of a whole JSON text starts."""
    return _skipped(text, 0)


def list_like(text: str, old: Member, lines: Sequence[str]) -> str:
    """A list of texts, broken and escaped as the one that stands there is."""
    written = [json.dumps(line, ensure_ascii=text.isascii()) for line in lines]
    inner = list(members(text, old.start))
    if not inner or not written:
        return f"[{', '.join(written)}]"
    first = text[old.start + 1 : inner[0].start]
    last = text[inner[-1].end : old.end - 1]
    between = text[inner[0].end : inner[1].start] if len(inner) > 1 else f",{first}" if first else _between(text)
    return f"[{first}{between.join(written)}{last}]"


def _between(text: str) -> str:
    """What stands between the first two members of the whole text."""
    first, second = islice(members(text, beginning(text)), 2)
    return text[first.end : first.end + 1] + text[first.end + 1 : second.start].partition('"')[0]


def _skipped(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
