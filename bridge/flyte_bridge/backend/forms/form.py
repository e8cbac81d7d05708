"""Whole forms: one field per variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyteidl2.task import common_pb2

from flyte_bridge.backend.forms import schema, value
from flyte_bridge.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from flyteidl2.core import interface_pb2, types_pb2
    from flyteidl2.task import task_definition_pb2

_BLOB_FIELDS = ("uri", "format", "dimensionality")


def from_task(spec: task_definition_pb2.TaskSpec) -> dict[str, Any]:
    """The form to launch a task with, its defaults filled in (which the real backend leaves out).

    Raises:
        InvalidRequest: A type has no form.
    """
    defaults = {
        one.name: value.of_literal(one.parameter.default)
        for one in spec.default_inputs
        if one.parameter.WhichOneof("behavior") == "default"
    }
    variables = spec.task_template.interface.inputs.variables
    return _form((entry.key, entry.value, defaults.get(entry.key)) for entry in variables)


def fill(literals: Iterable[common_pb2.NamedLiteral], variables: interface_pb2.VariableMap) -> dict[str, Any]:
    """The form of literals, with them as its values.

    Raises:
        InvalidRequest: A literal belongs to no variable, or has no form.
    """
    known = {entry.key: entry.value for entry in variables.variables}
    fields = []
    for named in literals:
        if named.name not in known:
            raise InvalidRequest(
                f"there is no variable {named.name!r}; the variables are: {', '.join(known) or 'none'}"
            )
        fields.append((named.name, known[named.name], value.of_literal(named.value)))
    return _form(fields)


def _form(fields: Iterable[tuple[str, interface_pb2.Variable, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required = []
    for name, variable, default in fields:
        field = schema.of_type(variable.type)
        if default is not None and field.get("format") == "blob":
            for part in _BLOB_FIELDS:
                field["properties"][part]["default"] = default[part]
        elif default is not None:
            field["default"] = default
        if variable.description and variable.description != name:
            field["description"] = variable.description
        properties[name] = field
        if schema.optional(variable.type) is None and default != value.NULL:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "title": "Launch Form"}


def read(form: Mapping[str, Any]) -> list[common_pb2.NamedLiteral]:
    """The literals in a form; fields without a value are left out, optional ones are nothing.

    Raises:
        InvalidRequest: It is no form, or a value is not of its field's type.
    """
    properties = form.get("properties")
    if not isinstance(properties, dict):
        raise InvalidRequest("the form has no properties")
    literals = []
    for name, field in properties.items():
        if not isinstance(field, dict):
            raise InvalidRequest(f"the schema of {name} is no object")
        kind = schema.to_type(field)
        default = _default(field)
        none = schema.optional(kind)
        if default is not None:
            literals.append(common_pb2.NamedLiteral(name=name, value=value.to_literal(default, kind, name)))
        elif none is not None:
            literals.append(common_pb2.NamedLiteral(name=name, value=value.nothing(none)))
    return literals


def _default(field: Mapping[str, Any]) -> Any:
    """A field's value; of an object without one, what its own fields have."""
    if "default" in field:
        return field["default"]
    is_map = isinstance(field.get("additionalProperties"), dict) or field.get("additionalProperties") is True
    if field.get("type") != "object" or is_map or field.get("format", "blob") != "blob":
        return None
    inner = {
        name: found
        for name, one in field.get("properties", {}).items()
        if isinstance(one, dict) and (found := _default(one)) is not None
    }
    return inner or None


def from_values(variables: interface_pb2.VariableMap, values: Mapping[str, Any]) -> list[common_pb2.NamedLiteral]:
    """Literals from plain JSON values by name; what no variable is called is passed over, as on the real backend.

    Raises:
        InvalidRequest: A value is missing or of another type.
    """
    literals = []
    for entry in variables.variables:
        kind: types_pb2.LiteralType = entry.value.type
        none = schema.optional(kind)
        if entry.key in values:
            literal = value.to_literal(values[entry.key], kind, entry.key)
        elif none is not None:
            literal = value.nothing(none)
        else:
            raise InvalidRequest(f"there is no value for {entry.key}")
        literals.append(common_pb2.NamedLiteral(name=entry.key, value=literal))
    return literals
