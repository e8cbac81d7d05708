"""Whether a structured value of one JSON schema can be given where another is expected.

flyteadmin asks this of dataclasses and pydantic models (`isSuperTypeInJSON` in
`flytepropeller/pkg/compiler/validators/typing.go`, v1.16.8), whose schemas flytekit writes into the type's metadata. It
uses `json-schema-compare` for it and takes what that has not implemented (`additionalProperties`, …) for equal; so do we.
The schema's names, descriptions and defaults do not count.
"""

from __future__ import annotations

import functools
from typing import Any

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Struct


def extends(source: Struct, target: Struct) -> bool:
    """Whether a value of the class that `source` describes can be given where `target` is expected.

    So a subclass, or a class with more fields, passes; a field that is missing or of another type does not.
    """
    return _extends(source.SerializeToString(deterministic=True), target.SerializeToString(deterministic=True))


@functools.lru_cache(maxsize=1024)
def _extends(source: bytes, target: bytes) -> bool:
    """Remembered, since a workflow of thousands of nodes has few types, and a schema takes long to read."""
    ours, theirs = (json_format.MessageToDict(Struct.FromString(data)) for data in (source, target))
    return _Comparison(ours, theirs).extends(ours, theirs)


class _Comparison:
    """Two schemas, each with the definitions that references in it lead to."""

    def __init__(self, source: Any, target: Any) -> None:
        self._source, self._target = source, target
        self._assumed: set[tuple[str, str]] = set()

    def extends(self, source: Any, target: Any) -> bool:
        if not isinstance(source, dict) or not isinstance(target, dict):
            return bool(source == target) or target is True
        pair = (str(source.get("$ref")), str(target.get("$ref")))
        if pair != ("None", "None"):
            if pair in self._assumed:  # a class within itself: equal as far as the rest of it is
                return True
            self._assumed.add(pair)
            return self.extends(_resolved(source, self._source), _resolved(target, self._target))
        for word in ("anyOf", "oneOf"):
            if word in source:
                return all(self.extends(variant, target) for variant in source[word])
        for word in ("anyOf", "oneOf"):
            if word in target:
                return any(self.extends(source, variant) for variant in target[word])
        return self._same_kind(source, target) and self._parts(source, target)

    def _same_kind(self, source: dict[str, Any], target: dict[str, Any]) -> bool:
        if "type" in target and source.get("type") != target["type"]:
            return False
        if "const" in target and source.get("const") != target["const"]:
            return False
        return "enum" not in target or ("enum" in source and all(one in target["enum"] for one in source["enum"]))

    def _parts(self, source: dict[str, Any], target: dict[str, Any]) -> bool:
        given, expected = source.get("properties", {}), target.get("properties", {})
        if not all(name in given and self.extends(given[name], schema) for name, schema in expected.items()):
            return False
        if not set(target.get("required", ())) <= set(source.get("required", ())):
            return False
        return "items" not in target or ("items" in source and self.extends(source["items"], target["items"]))


def _resolved(schema: dict[str, Any], root: Any) -> Any:
    """What a reference within the same schema leads to; True, which takes anything, when it leads nowhere."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: Any = root
    for part in str(reference).removeprefix("#").strip("/").split("/"):
        if part and (not isinstance(found, dict) or part not in found):
            return True
        found = found[part] if part else found
    return found if found is not root or "$ref" not in found else True
