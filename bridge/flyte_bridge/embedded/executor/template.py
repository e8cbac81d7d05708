"""Fills in the variables of a task's command: `{{.input}}`, `{{.outputPrefix}}` and their like.

The names and the spelling (any case, `{{ $Input }}` too) are the executor's of Flyte 1 and 2
(`flyteplugins/go/tasks/pluginmachinery/core/template/template.go`); `runStartTime` is filled in at enqueue there
(`actions/k8s/client.go`). Two things are more than there: `runName` and `actionName`, for which the SDK's runtime
otherwise falls back
to its environment, and `taskTemplatePath`, which names an object that is really there. An unknown variable is left
alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timezone
from typing import TYPE_CHECKING

from flyte_bridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flyteidl2.core.literals_pb2 import Literal, Primitive, Scalar

    from flyte_bridge.embedded.executor.job import AttemptJob

_VARIABLE = re.compile(r"\{\{\s*[.$](inputs\.[^}\s]+|[a-z]+)\s*\}\}", re.IGNORECASE)
_INPUTS_FILE = "/inputs.pb"
NO_CHECKPOINT = '""'
"""What `{{.prevCheckpointPrefix}}` becomes on a first attempt: two quotation marks. Both SDKs take that for none."""

DESTINATIONS = {"--dest", "--dest-dir", "--dynamic-dest-dir"}
"""Options that say where code is unpacked; an image's own directory (`/root`) is nobody's here."""


@dataclass(frozen=True)
class Deferred:
    """What costs something to find out, and is only asked for if a command names it.

    Attributes:
        inputs: Returns the inputs' literals by name.
        task_template: Stores the task's template and returns its URI.
    """

    inputs: Callable[[], Mapping[str, Literal]]
    task_template: Callable[[], str]


def render(argv: Sequence[str], job: AttemptJob, deferred: Deferred) -> list[str]:
    """Fill in a command.

    Raises:
        UsageError: It names an input that is not there, or one that cannot be written as text.
    """
    known = _values(job)

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name.lower().startswith("inputs."):
            return _input(name[len("inputs.") :], deferred)
        if name.lower() == "tasktemplatepath":
            return deferred.task_template()
        return known.get(name.lower(), match[0])

    return [_VARIABLE.sub(fill, argument) for argument in argv]


def localise(argv: Sequence[str]) -> list[str]:
    """Unpack code into the attempt's own directory where the command says an absolute one, which is the image's."""
    result = list(argv)
    for index, argument in enumerate(result[1:], start=1):
        if result[index - 1] in DESTINATIONS and argument.startswith("/"):
            result[index] = "."
    return result


def input_prefix(uri: str) -> str:
    """The directory of the inputs, however it is given."""
    return uri.removesuffix(_INPUTS_FILE).rstrip("/")


def raw_prefix(job: AttemptJob) -> str:
    """Where the task puts files and frames."""
    return job.raw_prefix or job.output_prefix


def checkpoint_prefix(job: AttemptJob) -> str:
    """Where the task keeps its checkpoint."""
    return job.checkpoint_prefix or f"{job.output_prefix}/_flytecheckpoints"


def _values(job: AttemptJob) -> dict[str, str]:
    prefix = input_prefix(job.input_uri)
    start = job.run_start_time.astimezone(timezone.utc)
    return {
        "actionname": job.key.name,
        "checkpointoutputprefix": checkpoint_prefix(job),
        "input": prefix + _INPUTS_FILE,
        "inputprefix": prefix,
        "inputs": prefix + _INPUTS_FILE,
        "namespace": f"{job.key.project}-{job.key.domain}",
        "outputprefix": job.output_prefix,
        "perretryuniquekey": _unique(job),
        "prevcheckpointprefix": job.previous_checkpoint_prefix or NO_CHECKPOINT,
        "rawoutputdataprefix": raw_prefix(job),
        "runname": job.key.run,
        "runstarttime": start.isoformat().replace("+00:00", "Z"),
    }


def _unique(job: AttemptJob) -> str:
    """A name for things of this attempt alone: letters, digits and underscores, no digit in front (SQL takes it)."""
    name = f"{job.key.run}-{job.key.name}-{job.attempt - 1}"
    return re.sub(r"[^a-zA-Z0-9_]+", "_", re.sub(r"^[^a-zA-Z_]+", "a", name))


def _input(name: str, deferred: Deferred) -> str:
    literals = deferred.inputs()
    if name not in literals:
        raise UsageError(f"the command names input {name!r}; the task got {', '.join(sorted(literals)) or 'none'}")
    return _text(literals[name], name)


def _text(literal: Literal, name: str) -> str:
    kind = literal.WhichOneof("value")
    if kind == "collection":
        return "[" + ",".join(_text(item, name) for item in literal.collection.literals) + "]"
    if kind == "scalar":
        return _scalar(literal.scalar, name)
    raise UsageError(
        f"input {name!r} is a {kind}, which cannot be part of a command; pass a scalar, a file or a list of them"
    )


def _scalar(scalar: Scalar, name: str) -> str:
    kind = scalar.WhichOneof("value")
    if kind == "primitive":
        return _primitive(scalar.primitive)
    if kind in {"blob", "schema", "structured_dataset"}:
        return str(getattr(scalar, kind).uri)
    raise UsageError(f"input {name!r} is a {kind}, which cannot be part of a command; pass a primitive or a file")


def _primitive(value: Primitive) -> str:
    kind = value.WhichOneof("value")
    if kind == "boolean":
        return "true" if value.boolean else "false"
    if kind == "float_value":
        number = value.float_value
        return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)  # as Go's %v
    if kind in {"datetime", "duration"}:
        return str(getattr(value, kind).ToJsonString())
    return str(getattr(value, kind)) if kind else ""
