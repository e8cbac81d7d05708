"""Registers what `pyflyte package` has packed, as `flytectl register files` does.

A package is a tar archive of `NUMBER_NAME_KIND.pb` files in the order of registration (kind 1 a task, 2 a workflow, 3 a
launch plan), and, if packed for fast registration, an archive of the code. Who packs knows neither project nor domain nor
version, nor where the code will be: those are put in here.

Source: `flytectl/cmd/register/register_util.go` (v1.16.8), `flytekit.tools.serialize_helpers`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import tarfile
import urllib.request
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import grpc
from flyteidl.admin import launch_plan_pb2, task_pb2, workflow_pb2
from flyteidl.core import identifier_pb2, tasks_pb2
from flyteidl.service import admin_pb2_grpc, dataproxy_pb2, dataproxy_pb2_grpc
from google.protobuf import struct_pb2
from google.protobuf.message import DecodeError, Message

from flyte_bridge.backend.caller import ERRORS
from flyte_bridge.backend.urls import open_http
from flyte_bridge.errors import SourceError, StatusError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDINGS = (".tgz", ".tar.gz")
"""What packages are called."""

_ENTITY = re.compile(r"(?P<number>\d+)_(?P<name>.+)_(?P<kind>[123])\.pb")
_KINDS: dict[str, type[Message]] = {
    "1": task_pb2.TaskSpec,
    "2": workflow_pb2.WorkflowSpec,
    "3": launch_plan_pb2.LaunchPlan,
}
_CODE = "{{ .remote_package_path }}"
_DESTINATION = "{{ .dest_dir }}"
_PLACEHOLDERS = {
    "project": "{{ registration.project }}",
    "domain": "{{ registration.domain }}",
    "version": "{{ registration.version }}",
}


@dataclass(frozen=True)
class Package:
    """A package that was read.

    Attributes:
        path: Where it is.
        entities: `admin.TaskSpec`, `admin.WorkflowSpec` and `admin.LaunchPlan`, in the order of registration.
        code: Name and bytes of the archive of code; `None` if the images have it.
    """

    path: Path
    entities: tuple[Message, ...]
    code: tuple[str, bytes] | None

    def mentions(self, word: str) -> bool:
        """Whether any entity has that text in it."""
        return any(word.encode() in entity.SerializeToString() for entity in self.entities)

    def digest(self) -> str:
        """A version for those who name none: the same content has the same."""
        content = hashlib.sha256()
        for entity in self.entities:
            content.update(entity.SerializeToString(deterministic=True))
        content.update(self.code[1] if self.code else b"")
        return content.hexdigest()[:32]


def is_package(path: Path) -> bool:
    """Whether a path looks like a package rather than like source."""
    return path.name.endswith(ENDINGS)


def read(path: Path) -> Package:
    """Reads a package.

    Raises:
        SourceError: It is no archive, has no entities, or has some that cannot be read.
    """
    entities: list[tuple[int, Message]] = []
    code = None
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                with content:
                    if found := _ENTITY.fullmatch(name):
                        entities.append(
                            (int(found["number"]), _parse(path, name, _KINDS[found["kind"]], content.read()))
                        )
                    elif name.endswith(ENDINGS):
                        code = (name, content.read())
    except (OSError, tarfile.TarError, EOFError) as error:
        raise SourceError(str(path), f"not an archive that can be read: {error}") from error
    if not entities:
        raise SourceError(str(path), "no entities in it; make packages with `pyflyte --pkgs PACKAGE package`")
    return Package(path, tuple(entity for _, entity in sorted(entities, key=lambda entry: entry[0])), code)


def _parse(path: Path, name: str, kind: type[Message], content: bytes) -> Message:
    try:
        return kind.FromString(content)
    except DecodeError as error:
        raise SourceError(str(path), f"{name} is no {kind.DESCRIPTOR.full_name}: {error}") from error


def hydrate(entity: Message, *, project: str, domain: str, version: str, code: str, destination: str) -> None:
    """Puts in what the packer did not know; what is there already stays.

    Args:
        entity: Changed in place.
        project: For identifiers without.
        domain: For identifiers without.
        version: For identifiers without.
        code: URI of the uploaded code.
        destination: Directory in the task's container that the code goes to; `.` if empty.
    """
    told = {"project": project, "domain": domain, "version": version}
    words = {_CODE: code, _DESTINATION: destination or "."}
    for message in _within(entity):
        if isinstance(message, identifier_pb2.Identifier):
            for field, value in told.items():
                if getattr(message, field) in {"", _PLACEHOLDERS[field]}:
                    setattr(message, field, value)
        elif isinstance(message, tasks_pb2.Container):
            message.args[:] = [words.get(word, word) for word in message.args]
        elif isinstance(message, struct_pb2.Value) and message.string_value in words:  # arguments in a pod's spec
            message.string_value = words[message.string_value]


def _within(message: Message) -> Iterator[Message]:
    """A message and all that it contains."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            if field.message_type.fields_by_name["value"].message_type is not None:
                for each in value.values():
                    yield from _within(each)
        elif isinstance(value, Message):
            yield from _within(value)
        else:
            for each in value:
                yield from _within(each)


def register(
    package: Package,
    channel: grpc.Channel,
    *,
    project: str,
    domain: str,
    version: str = "",
    activate: bool = False,
    destination: str = "",
    upload: bool = True,
) -> None:
    """Registers a package's entities.

    Args:
        package: What to register.
        channel: To Flyte 1's control plane.
        project: Where to.
        domain: Where to.
        version: What as; by default a digest of the package.
        activate: Make the launch plans the active ones of their names.
        destination: Directory in the tasks' containers that code goes to, for packages with code.
        upload: Upload the code; a rehearsal does not.

    Raises:
        SourceError: The package's tasks look for code, and there is none in it; or they know their directory already.
        StatusError: An entity is refused, or the code cannot be uploaded.
    """
    if package.mentions(_CODE) and package.code is None:
        raise SourceError(
            str(package.path), "its tasks want their code uploaded, but there is none in it; pack it again"
        )
    if destination and not package.mentions(_DESTINATION):
        raise SourceError(
            str(package.path), f"has been packed for its directory, so {destination!r} has no effect; leave it out"
        )
    stub = admin_pb2_grpc.AdminServiceStub(channel)
    place = {
        "project": project,
        "domain": domain,
        "version": version or package.digest(),
        "code": _upload(channel, project, domain, *package.code) if package.code is not None and upload else "",
        "destination": destination,
    }
    for entity in package.entities:
        hydrate(entity, **place)
        _create(entity, stub, activate)


def _create(entity: Any, stub: Any, activate: bool) -> None:
    requests: dict[type[Message], tuple[Any, Any]] = {
        task_pb2.TaskSpec: (task_pb2.TaskCreateRequest, stub.CreateTask),
        workflow_pb2.WorkflowSpec: (workflow_pb2.WorkflowCreateRequest, stub.CreateWorkflow),
        launch_plan_pb2.LaunchPlan: (launch_plan_pb2.LaunchPlanCreateRequest, stub.CreateLaunchPlan),
    }
    request, create = requests[type(entity)]
    is_plan = isinstance(entity, launch_plan_pb2.LaunchPlan)
    identity, spec = (entity.id, entity.spec) if is_plan else (entity.template.id, entity)
    try:
        create(request(id=identity, spec=spec))
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
            raise _refused(identity.name, error) from error
    if is_plan and activate:
        try:
            stub.UpdateLaunchPlan(
                launch_plan_pb2.LaunchPlanUpdateRequest(id=identity, state=launch_plan_pb2.LaunchPlanState.ACTIVE)
            )
        except grpc.RpcError as error:
            raise _refused(identity.name, error) from error


def _refused(name: str, error: Any) -> StatusError:
    kind = ERRORS.get(error.code().name, StatusError)
    return kind(f"{name}: {error.details()}")


def _upload(channel: grpc.Channel, project: str, domain: str, name: str, content: bytes) -> str:
    """Uploads a file; its URI."""
    md5 = hashlib.md5(content, usedforsecurity=False).digest()
    place = dataproxy_pb2.CreateUploadLocationRequest(project=project, domain=domain, filename=name, content_md5=md5)
    try:
        told = dataproxy_pb2_grpc.DataProxyServiceStub(channel).CreateUploadLocation(place)
    except grpc.RpcError as error:
        raise _refused(name, error) from error
    # what is true of the content goes last: a server may tell a length of its own (`backend.data`)
    own = {"Content-Length": str(len(content)), "Content-MD5": base64.b64encode(md5).decode()}
    headers = {"Content-Type": "application/octet-stream", **told.headers, **own}  # urllib would call it a form
    if told.native_url.startswith("abfs"):
        headers["x-ms-blob-type"] = "BlockBlob"  # Azure asks for it, and no signed URL can say so
    request = urllib.request.Request(told.signed_url, data=content, headers=headers, method="PUT")
    try:
        with open_http(request, 600):
            pass
    except OSError as error:
        raise Unavailable(f"{name}: its upload to {told.native_url} failed: {error}") from error
    return str(told.native_url)
