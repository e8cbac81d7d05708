"""Inputs and outputs of container tasks, which know nothing of Flyte: as files, one per variable.

On a cluster a sidecar does this (`flytecopilot/data/{download,upload}.go`, v1.16.8); here the executor does, before the
command starts and after it has ended. The command's directories (`/var/inputs`, `/var/outputs`) are directories of the
attempt: wherever a command or its environment names them, their real place is put in.

| in | file |
|---|---|
| primitive, error, none | its text, in Go's notation |
| binary, JSON | the bytes, the text |
| file, directory, schema | what it refers to |
| list, map | a directory: one file per index or key |
| all of them | `inputs.pb`, and `inputs.json` or `inputs.yaml` as the task wants it |

Out come simple types (of at most 1 KiB) and files and directories; everything else the sidecar does not know either. A
file `_ERROR` among the outputs is the task's own way to fail.
"""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flyteidl2.core import execution_pb2, literals_pb2, tasks_pb2, types_pb2
from flyteidl2.task import common_pb2
from google.protobuf import json_format

from flyte_bridge.embedded.executor import go_text
from flyte_bridge.errors import BackendError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flyte_bridge.embedded.executor.job import JobStorage

DEFAULT_INPUTS, DEFAULT_OUTPUTS = "/var/flyte/inputs", "/var/flyte/outputs"
"""Where a task that names no directories finds them (`flytek8s/config/config.go`)."""

ERROR_FILE = "_ERROR"
UPLOAD_FAILED = "OutputUploadFailed"
"""Code of a failure: the outputs could not be read; the sidecar's word for it."""

_MAX_SIMPLE = 1024
_MAX_ERROR = 1024 * 1024
_FORMAT = tasks_pb2.DataLoadingConfig.LiteralMapFormat


class NoOutputs(Exception):
    """Raised when the outputs cannot be collected; the message says which and why."""


@dataclass(frozen=True)
class CoPilot:
    """Moves one attempt's data.

    Attributes:
        config: What the task says of it.
        inputs: Where its inputs are.
        outputs: Where it writes its outputs.
    """

    config: tasks_pb2.DataLoadingConfig
    inputs: Path
    outputs: Path

    @staticmethod
    def of(template: tasks_pb2.TaskTemplate, work_dir: Path) -> CoPilot | None:
        """Who moves the data of a task; `None` if it does so itself."""
        config = template.k8s_pod.data_config if template.HasField("k8s_pod") else template.container.data_config
        return CoPilot(config, work_dir / "inputs", work_dir / "outputs") if config.enabled else None

    def rewrite(self, text: str) -> str:
        """Puts the real directories where the task's are named."""
        named = {
            (self.config.input_path or DEFAULT_INPUTS).rstrip("/"): str(self.inputs),
            (self.config.output_path or DEFAULT_OUTPUTS).rstrip("/"): str(self.outputs),
        }
        paths = "|".join(re.escape(path) for path in sorted(named, key=len, reverse=True) if path)
        # a path's name must not go on, before or behind: not /srv/var/inputs, not /var/inputs2
        return re.sub(rf"(?<![\w./-])({paths})(?![\w-]|\.\w)", lambda match: named[match[1]], text) if paths else text

    # -- before -------------------------------------------------------------------------------------------------------

    def prepare(self, literals: Mapping[str, literals_pb2.Literal], storage: JobStorage) -> None:
        """Writes the inputs down.

        Raises:
            UsageError: One cannot be a file, or lies where it cannot be fetched.
        """
        self.outputs.mkdir(parents=True, exist_ok=True)
        self.inputs.mkdir(parents=True, exist_ok=True)
        values, local = {}, common_pb2.Inputs()
        for name, literal in literals.items():
            if literal.HasField("offloaded_metadata"):
                literal = literals_pb2.Literal.FromString(_fetched(storage, literal.offloaded_metadata.uri, name))  # noqa: PLW2901
            copy = literals_pb2.Literal()
            copy.CopyFrom(literal)
            values[name] = _Download(storage, name).literal(copy, self.inputs / name)
            local.literals.append(common_pb2.NamedLiteral(name=name, value=copy))
        (self.inputs / "inputs.pb").write_bytes(local.SerializeToString())
        if self.config.format == _FORMAT.Value("JSON"):
            (self.inputs / "inputs.json").write_text(json.dumps(values))
        elif self.config.format == _FORMAT.Value("YAML"):
            import yaml

            (self.inputs / "inputs.yaml").write_text(yaml.safe_dump(values))

    # -- after --------------------------------------------------------------------------------------------------------

    def collect(self, interface: Any, raw_prefix: str, storage: JobStorage) -> common_pb2.Outputs:
        """Reads the outputs, and stores what they refer to.

        Args:
            interface: The task's.
            raw_prefix: Where files and directories go.
            storage: What stores them.

        Raises:
            NoOutputs: One is missing or is not what it should be, or the task says that it failed.
        """
        failure = self.outputs / ERROR_FILE
        if failure.is_file():
            raise NoOutputs(f"User Error: {failure.read_bytes()[:_MAX_ERROR].decode(errors='replace')}")
        outputs = common_pb2.Outputs()
        for entry in interface.outputs.variables:
            kind = entry.value.type.WhichOneof("type")
            if kind == "simple":
                value = self._simple(entry.key, entry.value.type.simple)
            elif kind == "blob":
                value = self._blob(entry.key, entry.value.type.blob, f"{raw_prefix}/{entry.key}", storage)
            else:
                raise NoOutputs(
                    f"output {entry.key!r} is a {kind or 'value without a type'}, and a container task can only give "
                    "simple values, files and directories (as on a cluster)"
                )
            outputs.literals.append(common_pb2.NamedLiteral(name=entry.key, value=value))
        return outputs

    def _found(self, name: str) -> Path:
        path = self.outputs / name
        if path.exists():
            return path
        others = sorted(self.outputs.glob(f"{name}.*"))  # any extension, if there is just one
        if len(others) == 1:
            return others[0]
        there = ", ".join(sorted(entry.name for entry in self.outputs.iterdir())) or "nothing"
        directory = self.config.output_path or DEFAULT_OUTPUTS
        raise NoOutputs(f"output {name!r} is not there: the command left {there} in {directory}")

    def _simple(self, name: str, kind: int) -> literals_pb2.Literal:
        path = self._found(name)
        if path.is_dir():
            raise NoOutputs(f"output {name!r} is a directory, but a {types_pb2.SimpleType.Name(kind)} is declared")
        if path.stat().st_size > _MAX_SIMPLE:
            raise NoOutputs(f"output {name!r} has more than {_MAX_SIMPLE} bytes; declare a file for so much")
        data = path.read_bytes()
        try:
            return go_text.literal(kind, data)
        except ValueError as error:
            raise NoOutputs(f"output {name!r}: {error}") from None

    def _blob(self, name: str, declared: types_pb2.BlobType, uri: str, storage: JobStorage) -> literals_pb2.Literal:
        path = self._found(name)
        literal = literals_pb2.Literal()
        blob = literal.scalar.blob
        blob.uri = uri
        blob.metadata.type.format = declared.format
        if path.is_dir():
            blob.metadata.type.dimensionality = types_pb2.BlobType.MULTIPART
            for file in sorted(entry for entry in path.rglob("*") if entry.is_file()):
                storage.write(f"{uri}/{file.relative_to(path).as_posix()}", file.read_bytes())
        else:
            storage.write(uri, path.read_bytes())
        return literal


class _Download:
    """Writes one input down, and puts where it is into its literal."""

    def __init__(self, storage: JobStorage, name: str) -> None:
        self._storage = storage
        self._name = name

    def literal(self, literal: literals_pb2.Literal, path: Path) -> Any:
        kind = literal.WhichOneof("value")
        if kind == "scalar":
            return self._scalar(literal.scalar, path)
        if kind not in {"collection", "map"}:
            raise UsageError(f"input {self._name!r} is a {kind or 'literal without a value'}, which cannot be a file")
        path.mkdir(parents=True, exist_ok=True)
        if kind == "collection":
            return [self.literal(item, path / str(index)) for index, item in enumerate(literal.collection.literals)]
        entries = literal.map.literals
        if wrong := [key for key in entries if key in {"", ".", ".."} or "/" in key]:
            raise UsageError(f"input {self._name!r} has the key {wrong[0]!r}, which cannot be the name of a file")
        return {key: self.literal(value, path / key) for key, value in entries.items()}

    def _scalar(self, scalar: literals_pb2.Scalar, path: Path) -> Any:
        kind = scalar.WhichOneof("value")
        if kind == "primitive":
            text, value = go_text.primitive(scalar.primitive)
            path.write_text(text)
            return value
        if kind in {"blob", "schema"}:
            body = getattr(scalar, kind)
            single = kind == "blob" and body.metadata.type.dimensionality == types_pb2.BlobType.SINGLE
            self._copy(body.uri, path, single=single)
            body.uri = str(path)
            return str(path)
        if kind == "binary":
            path.write_bytes(scalar.binary.value)
            return base64.b64encode(scalar.binary.value).decode()
        if kind == "generic":
            path.write_text(json_format.MessageToJson(scalar.generic, indent=None))
            return json_format.MessageToDict(scalar.generic)
        if kind == "error":
            path.write_text(scalar.error.message)
            return scalar.error.message
        if kind == "union":
            return self.literal(scalar.union.value, path)
        if kind == "none_type":
            path.write_text("null")
            return None
        raise UsageError(f"input {self._name!r} is a {kind}, which the sidecar of container tasks does not know")

    def _copy(self, uri: str, path: Path, *, single: bool) -> None:
        if single:
            path.write_bytes(_fetched(self._storage, uri, self._name))
            return
        base = f"{uri.rstrip('/')}/"
        if not base.startswith("s3://"):
            raise _elsewhere(uri, self._name)
        path.mkdir(parents=True, exist_ok=True)
        found = list(self._storage.list(base))
        if not found:
            raise UsageError(f"input {self._name!r} is the directory {uri}, and nothing is there")
        for entry in found:
            target = Path(os.path.normpath(path / entry.uri.removeprefix(base)))
            if path in target.parents:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self._storage.read(entry.uri))


def _fetched(storage: JobStorage, uri: str, name: str) -> bytes:
    if not uri.startswith("s3://"):
        raise _elsewhere(uri, name)
    try:
        return storage.read(uri)
    except BackendError as error:
        raise UsageError(f"input {name!r} cannot be fetched: {error}") from None


def _elsewhere(uri: str, name: str) -> UsageError:
    return UsageError(
        f"input {name!r} of a container task lies at {uri}; the embedded backend hands over what is in its own store"
    )


def error_document(error: NoOutputs) -> bytes:
    """What the sidecar leaves of its failure (`flytecopilot/cmd/root.go`): another attempt may help."""
    document = execution_pb2.ErrorDocument()
    document.error.code = UPLOAD_FAILED
    document.error.message = str(error)
    document.error.kind = execution_pb2.ContainerError.RECOVERABLE
    return bytes(document.SerializeToString())


def rewritten(pilot: CoPilot | None, argv: Sequence[str], env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """A command and its environment with the real directories in them."""
    if pilot is None:
        return list(argv), dict(env)
    return [pilot.rewrite(word) for word in argv], {name: pilot.rewrite(value) for name, value in env.items()}
