"""The description of the REST door, `GET /api/v1/openapi`: Swagger 2.0, made from the same descriptors."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import FieldDescriptor

from flyte_bridge.admin import descriptors
from flyte_bridge.admin.rest.routes import ROUTES

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

    from flyte_bridge.admin.rest.routes import Route

_SCALARS: dict[int, dict[str, str]] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_UINT32: {"type": "integer", "format": "int64"},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.TYPE_UINT64: {"type": "string", "format": "uint64"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
}
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Any": {"type": "object"},
}


def _name(descriptor: Descriptor) -> str:
    """A message's name as the generator of Swagger files writes it: `flyteidl.admin.Task` → `adminTask`."""
    *_, package, name = descriptor.full_name.split(".")
    return f"{package}{name}"


def _schema(field: FieldDescriptor, wanted: dict[str, Descriptor]) -> dict[str, Any]:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _schema(inner.fields_by_name["value"], wanted)}
    single = _single(field, wanted)
    return {"type": "array", "items": single} if field.is_repeated else single


def _single(field: FieldDescriptor, wanted: dict[str, Descriptor]) -> dict[str, Any]:
    if field.enum_type is not None:
        names = [value.name for value in field.enum_type.values]
        return {"type": "string", "enum": names, "default": names[0]}
    inner = field.message_type
    if inner is None:
        return dict(_SCALARS.get(field.type, {"type": "string"}))
    if inner.full_name in _WELL_KNOWN:
        return dict(_WELL_KNOWN[inner.full_name])
    wanted[_name(inner)] = inner
    return {"$ref": f"#/definitions/{_name(inner)}"}


def _leaves(descriptor: Descriptor, prefix: str = "", depth: int = 0) -> list[tuple[str, FieldDescriptor]]:
    """The fields that a query can set: scalars, lists of them, and times, however deep."""
    leaves = []
    for field in descriptor.fields:
        path = f"{prefix}{field.name}"
        inner = field.message_type
        if inner is None or inner.full_name in _WELL_KNOWN:
            leaves.append((path, field))
        elif not field.is_repeated and depth < 4:
            leaves += _leaves(inner, f"{path}.", depth + 1)
    return leaves


def _parameters(route: Route, wanted: dict[str, Descriptor]) -> list[dict[str, Any]]:
    message = descriptors.of(route.method.request)
    fields = dict(_leaves(message))
    parameters = [
        {"name": variable, "in": "path", "required": True, **_schema(fields[variable], wanted)}
        for variable in route.variables
    ]
    if route.body:
        wanted[_name(message)] = message
        schema = {"$ref": f"#/definitions/{_name(message)}"}
        return [*parameters, {"name": "body", "in": "body", "required": True, "schema": schema}]
    return parameters + [
        {"name": path, "in": "query", "required": False, **_schema(field, wanted)}
        for path, field in fields.items()
        if path not in route.variables
    ]


@lru_cache(maxsize=1)
def document() -> bytes:
    """The whole description."""
    wanted: dict[str, Descriptor] = {}
    paths: dict[str, dict[str, Any]] = {}
    for number, route in enumerate(ROUTES):
        reply = descriptors.of(route.method.reply)
        wanted[_name(reply)] = reply
        service = route.method.path.split("/")[1].rpartition(".")[2]
        twice = any(before.method is route.method for before in ROUTES[:number])
        paths.setdefault(route.path, {})[route.verb.lower()] = {
            "operationId": f"{service}_{route.method.name}{'2' if twice else ''}",
            "parameters": _parameters(route, wanted),
            "responses": {"200": {"description": "", "schema": {"$ref": f"#/definitions/{_name(reply)}"}}},
            "tags": [service],
        }
    definitions: dict[str, Any] = {}
    while wanted:
        name, descriptor = wanted.popitem()
        if name not in definitions:
            definitions[name] = {}
            properties = {field.name: _schema(field, wanted) for field in descriptor.fields}
            definitions[name] = {"type": "object", "properties": properties}
    told = {
        "swagger": "2.0",
        "info": {"title": "Flyte 1's control plane, served by flyte-bridge", "version": "1.16"},
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": paths,
        "definitions": dict(sorted(definitions.items())),
    }
    return json.dumps(told, separators=(",", ":")).encode()
