"""Under what datacatalog keeps a task's outputs: the data set of the task, and the tag of its inputs.

Flyte 2's cache has keys of its own. Datacatalog's follow from the task's interface and inputs alone, so that what Flyte 1
kept can be found by what a node execution tells here.

Sources: `flytepropeller/pkg/controller/nodes/catalog/datacatalog/transformer.go`,
`flyteplugins/go/tasks/pluginmachinery/catalog/hashing.go`, `flytestdlib/pbhash/pbhash.go` (v1.16), and objecthash, which
the last one uses: https://github.com/benlaurie/objecthash.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from typing import TYPE_CHECKING, Any

from flyteidl.core import catalog_pb2, identifier_pb2, interface_pb2, literals_pb2
from google.protobuf import json_format

if TYPE_CHECKING:
    from flyteidl.core import tasks_pb2
    from google.protobuf.message import Message

_SIGNATURE = 8
"""Characters of an interface's hash in a data set's version."""


def of_task(template: tasks_pb2.TaskTemplate, inputs: literals_pb2.LiteralMap) -> catalog_pb2.CatalogMetadata:
    """Where datacatalog has the outputs of a cached task. The artifact's own id is random there, and left out.

    Args:
        template: The task's.
        inputs: Of one execution of it.
    """
    sides = (_without_descriptions(side) for side in (template.interface.inputs, template.interface.outputs))
    version = "-".join([template.metadata.discovery_version.strip(" "), *(_hash(side)[:_SIGNATURE] for side in sides)])
    ignored = template.metadata.cache_ignore_input_vars
    hashed = {name: _hashified(value) for name, value in inputs.literals.items() if name not in ignored}
    return catalog_pb2.CatalogMetadata(
        dataset_id=identifier_pb2.Identifier(
            resource_type=identifier_pb2.DATASET,
            project=template.id.project,
            domain=template.id.domain,
            name=f"flyte_task-{template.id.name}",
            version=version,
        ),
        artifact_tag=catalog_pb2.CatalogArtifactTag(
            name=f"flyte_cached-{_hash(literals_pb2.LiteralMap(literals=hashed))}"
        ),
    )


def _without_descriptions(variables: interface_pb2.VariableMap) -> interface_pb2.VariableMap:
    """As flytepropeller has an interface, which drops what is for people."""
    result = interface_pb2.VariableMap()
    result.CopyFrom(variables)
    for variable in result.variables.values():
        variable.description = ""
    return result


def _hashified(value: literals_pb2.Literal) -> literals_pb2.Literal:
    """A literal with nothing but its hash wherever it has one."""
    if value.hash:
        return literals_pb2.Literal(hash=value.hash)
    result = literals_pb2.Literal()
    match value.WhichOneof("value"):
        case "collection":
            result.collection.SetInParent()
            result.collection.literals.extend(_hashified(member) for member in value.collection.literals)
        case "map":
            result.map.SetInParent()
            for key, member in value.map.literals.items():
                result.map.literals[key].CopyFrom(_hashified(member))
        case _:
            return value
    return result


def _hash(message: Message) -> str:
    told = json.loads(json_format.MessageToJson(message))
    return base64.urlsafe_b64encode(_object_hash(told)).rstrip(b"=").decode()


def _object_hash(value: Any) -> bytes:
    """objecthash of what JSON has."""
    if isinstance(value, bool):
        return _digest(b"b", b"1" if value else b"0")
    if isinstance(value, (int, float)):
        return _digest(b"f", _float(float(value)))
    if isinstance(value, str):
        return _digest(b"u", value.encode())
    if isinstance(value, list):
        return _digest(b"l", b"".join(_object_hash(member) for member in value))
    if isinstance(value, dict):
        return _digest(b"d", b"".join(sorted(_object_hash(key) + _object_hash(value[key]) for key in value)))
    return _digest(b"n", b"")


def _digest(kind: bytes, data: bytes) -> bytes:
    return hashlib.sha256(kind + data).digest()


def _float(number: float) -> bytes:
    """A number as objecthash writes it: sign, binary exponent, and the digits of what is above ½ and at most 1."""
    if math.isnan(number):
        return b"NaN"
    if math.isinf(number):
        return b"Infinity" if number > 0 else b"-Infinity"
    if not number:
        return b"+0:"
    fraction, exponent = math.frexp(abs(number))
    if fraction == 0.5:  # it takes 1, not ½
        fraction, exponent = 1.0, exponent - 1
    digits = []
    while fraction:
        digits.append("1" if fraction >= 1 else "0")
        fraction = (fraction - int(fraction)) * 2
    return f"{'-' if number < 0 else '+'}{exponent}:{''.join(digits)}".encode()
