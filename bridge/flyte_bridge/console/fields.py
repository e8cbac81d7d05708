"""Launch forms as fields of a page: one per variable, read back into literals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flyteidl2.task import common_pb2

from flyte_bridge.backend import forms
from flyte_bridge.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyteidl2.task import task_definition_pb2

PREFIX = "input."
"""How the names of fields begin, so that no variable can be taken for anything else of a form."""

_SIMPLE = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}


@dataclass(frozen=True)
class Field:
    """A field.

    Attributes:
        input: `text`, `integer`, `number`, `boolean`, `choice` or `json`.
        value: As the field shows it.
    """

    name: str
    label: str
    input: str
    value: str
    required: bool
    description: str
    choices: Sequence[str] = ()


def schema_of(spec: task_definition_pb2.TaskSpec, given: Sequence[common_pb2.NamedLiteral] = ()) -> dict[str, Any]:
    """The form to launch a task with.

    Args:
        spec: The task's.
        given: Values to fill it with, instead of the defaults.

    Raises:
        InvalidRequest: A type has no form.
    """
    form = forms.from_task(spec)
    interface = spec.task_template.interface.inputs
    known = {entry.key for entry in interface.variables}
    form["properties"] |= forms.fill([one for one in given if one.name in known], interface)["properties"]
    return form


def fields(form: Mapping[str, Any]) -> list[Field]:
    """A form's fields."""
    return [_field(name, schema, name in form["required"]) for name, schema in form["properties"].items()]


def read(form: dict[str, Any], sent: Mapping[str, str]) -> common_pb2.Inputs:
    """The inputs that a form was sent with.

    Args:
        form: As it was shown.
        sent: What came back, by the names of fields.

    Raises:
        InvalidRequest: A value is missing, or not of its type.
    """
    properties = form["properties"]
    for field in fields(form):
        text = sent.get(field.name, "")
        name = field.name.removeprefix(PREFIX)
        if text == "" and field.input != "text":
            if field.required:
                raise InvalidRequest(f"There is no value for {name}.")
            properties[name].pop("default", None)
            continue
        properties[name] = {**properties[name], "default": parse(name, field.input, text)}
    return common_pb2.Inputs(literals=forms.read(form))


def _field(name: str, schema: Mapping[str, Any], required: bool) -> Field:
    kind = "choice" if "enum" in schema else _SIMPLE.get(str(schema.get("type")), "json")
    value = schema.get("default")
    if value is None and kind == "json" and "properties" in schema:
        value = {key: inner.get("default", "") for key, inner in schema["properties"].items()}
    if value is None:
        text = ""
    elif kind == "json" or not isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False, indent=1 if kind == "json" else None)
    else:
        text = value
    return Field(PREFIX + name, name, kind, text, required, str(schema.get("description", "")), schema.get("enum", ()))


def parse(name: str, kind: str, text: str) -> Any:
    """What a field says.

    Raises:
        InvalidRequest: It is no JSON, and its kind is.
    """
    if kind in {"text", "choice"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidRequest(f"{name}: {text[:200]!r} is no {kind}; it is written as JSON writes it.") from None
