"""Whether one JSON schema accepts everything that another one describes."""

from __future__ import annotations

from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct


def extends(source: Struct, target: Struct) -> bool:
    """Whether a value of the dataclass that `source` describes can be given where `target` is expected.

    So a subclass, or a class with more fields, passes; a field that is missing or of another type does not.
    """
    return _extends(json_format.MessageToDict(source), json_format.MessageToDict(target))


def _extends(source: Any, target: Any) -> bool:
    if not isinstance(source, dict) or not isinstance(target, dict):
        return bool(source == target)
    if source.get("type") != target.get("type"):
        return False
    given, expected = source.get("properties", {}), target.get("properties", {})
    if not all(name in given and _extends(given[name], schema) for name, schema in expected.items()):
        return False
    if "items" in target and not _extends(source.get("items"), target["items"]):
        return False
    return set(target.get("required", ())) <= set(source.get("required", ()))
