"""The inputs of a new run: what was sent, on top of the trigger's, on top of the task's defaults, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from flyteidl2.core import types_pb2
from flyteidl2.task import common_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.backend import hashing
from flyte_bridge.embedded.faults import InvalidRequest
from flyte_bridge.errors import ObjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flyteidl2.common import run_pb2 as common_run_pb2
    from flyteidl2.core import literals_pb2
    from flyteidl2.task import task_definition_pb2


class Objects(Protocol):
    """What the engine asks of the object store; `objects.ObjectStore` has it."""

    def read(self, uri: str) -> bytes:
        """An object's bytes; `NoSuchObject` if there is none."""
        ...

    def exists(self, uri: str) -> bool:
        """Whether there is such an object."""
        ...

    def write(self, uri: str, data: bytes) -> object:
        """Stores an object, all or nothing."""
        ...


@dataclass(frozen=True)
class Filled:
    """A run's inputs.

    Attributes:
        uri: Where they lie already; empty if `data` has to be written.
        hash: For the cache key.
        data: Serialized `task.Inputs`, if they must be written.
    """

    uri: str
    hash: str
    data: bytes | None


_PRIMITIVES = {
    types_pb2.INTEGER: ("integer", "a whole number"),
    types_pb2.FLOAT: ("float_value", "a float"),
    types_pb2.STRING: ("string_value", "a string"),
    types_pb2.BOOLEAN: ("boolean", "a boolean"),
    types_pb2.DATETIME: ("datetime", "a datetime"),
    types_pb2.DURATION: ("duration", "a duration"),
}
"""The simple types whose literals are primitives: their field, and what to call them."""


def inputs_file(uri: str) -> str:
    """The `inputs.pb` behind an input URI, which may name the directory."""
    return uri if uri.endswith("/inputs.pb") else f"{uri.rstrip('/')}/inputs.pb"


def fill(
    spec: task_definition_pb2.TaskSpec,
    sources: Sequence[common_pb2.Inputs | common_run_pb2.OffloadedInputData],
    objects: Objects,
) -> Filled:
    """Puts a run's inputs together.

    Args:
        spec: The task, with its interface and defaults.
        sources: Inputs or references to them; a later one wins over an earlier.
        objects: Where references point.

    Raises:
        InvalidRequest: An input is missing, unknown or of the wrong type, or a reference points to nothing.
    """
    merged = common_pb2.Inputs()
    offloaded, foreign = "", None
    for source in sources:
        if isinstance(source, common_pb2.Inputs):
            _merge(merged, source)
        elif source.uri:
            offloaded = source.uri
            try:
                _merge(merged, _read(source.uri, objects))
            except ObjectError as error:
                if _ours(source.uri):
                    raise InvalidRequest(f"the inputs are not at {source.uri}: {error}") from error
                foreign = source  # another storage: the task can read it, this backend cannot
    if foreign is not None and len(sources) == 1:
        return Filled(foreign.uri, foreign.inputs_hash, None)
    before = merged.SerializeToString(deterministic=True)
    _defaults(merged, spec)
    _check(merged, spec)
    inputs_hash = hashing.inputs(merged, list(spec.task_template.metadata.cache_ignore_input_vars))
    after = merged.SerializeToString(deterministic=True)
    if len(sources) == 1 and offloaded and before == after:
        return Filled(offloaded, inputs_hash, None)
    return Filled("", inputs_hash, after)


def _ours(uri: str) -> bool:
    return uri.startswith("s3://")


def _read(uri: str, objects: Objects) -> common_pb2.Inputs:
    try:
        return common_pb2.Inputs.FromString(objects.read(inputs_file(uri)))
    except DecodeError as error:
        raise InvalidRequest(f"{inputs_file(uri)} holds no task inputs: {error}") from error


def _merge(into: common_pb2.Inputs, more: common_pb2.Inputs) -> None:
    names = {named.name for named in more.literals}
    kept = [named for named in into.literals if named.name not in names]
    del into.literals[:]
    into.literals.extend([*kept, *more.literals])
    if more.context:
        keys = {pair.key for pair in more.context}
        kept_context = [pair for pair in into.context if pair.key not in keys]
        del into.context[:]
        into.context.extend([*kept_context, *more.context])


def _defaults(inputs: common_pb2.Inputs, spec: task_definition_pb2.TaskSpec) -> None:
    given = {named.name for named in inputs.literals}
    for one in spec.default_inputs:
        if one.name not in given and one.parameter.WhichOneof("behavior") == "default":
            inputs.literals.add(name=one.name, value=one.parameter.default)


def _check(inputs: common_pb2.Inputs, spec: task_definition_pb2.TaskSpec) -> None:
    declared = {entry.key: entry.value.type for entry in spec.task_template.interface.inputs.variables}
    optional = {one.name for one in spec.default_inputs if not one.parameter.required}
    given = {named.name: named.value for named in inputs.literals}
    task = spec.task_template.id.name
    missing = [
        name for name in declared if name not in given and name not in optional and not _nullable(declared[name])
    ]
    if missing:
        raise InvalidRequest(f"task {task} needs input {', '.join(missing)}, which has no default")
    unknown = [name for name in given if name not in declared]
    if unknown:
        raise InvalidRequest(
            f"task {task} has no input {', '.join(unknown)}; its inputs are: {', '.join(declared) or 'none'}"
        )
    for name, value in given.items():
        wrong = mismatch(declared[name], value)
        if wrong:
            raise InvalidRequest(f"input {name} of task {task} must be {wrong}")


def _nullable(kind: types_pb2.LiteralType) -> bool:
    return any(one.simple == types_pb2.NONE for one in kind.union_type.variants if one.WhichOneof("type") == "simple")


def mismatch(kind: types_pb2.LiteralType, value: literals_pb2.Literal) -> str:
    """What a value should have been, if it plainly is something else; empty if it fits or is not ours to judge."""
    expected = _PRIMITIVES.get(kind.simple) if kind.WhichOneof("type") == "simple" else None
    if expected is None or value.WhichOneof("value") in {None, "offloaded_metadata"}:
        return ""
    field, text = expected
    return "" if value.scalar.primitive.WhichOneof("value") == field else text
