"""DataProxyService: what clients put into the object store and get out of it, and attempts' logs."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from flyteidl2.common import run_pb2 as common_run_pb2
from flyteidl2.dataproxy import dataproxy_service_pb2 as pb
from flyteidl2.logs.dataplane import payload_pb2 as logs_pb2
from flyteidl2.task import common_pb2, task_definition_pb2
from flyteidl2.trigger import trigger_definition_pb2
from flyteidl2.workflow import run_definition_pb2
from google.protobuf.message import DecodeError

from flyte_bridge.backend import hashing
from flyte_bridge.backend.keys import ActionKey, TaskKey, TriggerKey
from flyte_bridge.backend.moments import to_timestamp
from flyte_bridge.embedded import logs, names
from flyte_bridge.embedded.faults import AlreadyExists, InvalidRequest, NotFound, NotSupported
from flyte_bridge.embedded.layout import Layout, output_prefix
from flyte_bridge.embedded.model import ActionType
from flyte_bridge.embedded.objects import keys as object_keys
from flyte_bridge.embedded.watch import of_action
from flyte_bridge.errors import BadObjectName, NoSuchObject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from google.protobuf.duration_pb2 import Duration

    from flyte_bridge.backend.moments import Micros
    from flyte_bridge.embedded.clock import Clock
    from flyte_bridge.embedded.ledger import Ledger
    from flyte_bridge.embedded.model import ActionRecord
    from flyte_bridge.embedded.objects import ObjectStore, Signer
    from flyte_bridge.embedded.registry import Projects, Tasks
    from flyte_bridge.embedded.triggers.repository import TriggerRepository
    from flyte_bridge.embedded.watch import Hub

MAX_EXPIRY = 3600.0
"""Seconds a signed URL lasts at most, and if nothing else is asked for; the real backend's default."""

REPORTS = ("report.html", "deck.html")
"""A report's name under an attempt's output prefix: Flyte 2's, then flytekit's."""

_BUNDLE_OPTIONS = ("--tgz", "--pkl")
_MD5_BYTES = 16

_Message = TypeVar("_Message", common_pb2.Inputs, common_pb2.Outputs)


@dataclass
class DataProxyService:
    """Inputs, outputs, reports, code and logs.

    Attributes:
        base_url: Tells what signed URLs begin with, `http://host:port`; known once the server listens.
        reports: The names that a report may have.
    """

    reports: ClassVar[tuple[str, ...]] = REPORTS

    objects: ObjectStore
    signer: Signer
    ledger: Ledger
    hub: Hub
    projects: Projects
    tasks: Tasks
    triggers: TriggerRepository
    layout: Layout
    clock: Clock
    base_url: Callable[[], str]

    # -- uploads ------------------------------------------------------------------------------------------------------

    async def create_upload_location(
        self, request: pb.CreateUploadLocationRequest, _ctx: Any
    ) -> pb.CreateUploadLocationResponse:
        """Tell where to upload a file: `<bucket>/<project>/<domain>/<filename_root, or the digest>/<filename>`.

        ALREADY_EXISTS if another content lies under a name the caller chose.
        """
        self._check_scope(request.project, request.domain)
        md5 = request.content_md5
        if md5 and len(md5) != _MD5_BYTES:
            raise InvalidRequest(f"content_md5 has {len(md5)} bytes; an MD5 digest has {_MD5_BYTES}, not its hex text")
        if not md5 and not request.filename_root:
            raise InvalidRequest("an upload needs filename_root or content_md5, to tell it from others")
        root = request.filename_root or base64.b32encode(md5).decode("ascii")
        uri = self._uri(request.project, request.domain, *_segments(root), *_segments(request.filename))
        object_keys.to_parts(object_keys.split_uri(uri)[1])  # a URL that no upload can follow is refused now
        if request.filename and request.filename_root:
            await self._check_replaceable(uri, md5)
        self.objects.check_room(uri, request.content_length)
        expires_at = self._expiry(request.expires_in if request.HasField("expires_in") else None)
        headers = {}
        if md5 and request.add_content_md5_metadata:
            headers["x-amz-meta-flytecontentmd5"] = base64.b64encode(md5).decode("ascii")
        return pb.CreateUploadLocationResponse(
            signed_url=self.signer.url(self.base_url(), "PUT", uri, expires_at, md5=md5),
            native_url=uri,
            expires_at=to_timestamp(expires_at),
            headers=headers,
        )

    async def _check_replaceable(self, uri: str, md5: bytes) -> None:
        if not self.objects.exists(uri):
            return
        if not md5:
            raise AlreadyExists(f"{uri} exists; give content_md5 to show that the upload is the same content")
        if await asyncio.to_thread(self._md5, uri) != md5:
            raise AlreadyExists(f"{uri} exists with different content; choose another filename_root or delete it")

    def _md5(self, uri: str) -> bytes:
        digest = hashlib.md5(usedforsecurity=False)
        file, _ = self.objects.open(uri)
        with file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        return digest.digest()

    async def upload_inputs(self, request: pb.UploadInputsRequest, _ctx: Any) -> pb.UploadInputsResponse:
        """Store inputs for a run to come; tell where, and the hash its cache key is made of.

        The hash leaves out the inputs that the task's cache ignores; the place does not, or two runs that differ in
        nothing else would share it.
        """
        owner = request.WhichOneof("id")
        if owner is None:
            raise InvalidRequest("inputs belong to a run or a project: set run_id or project_id")
        project, domain = (
            (request.run_id.project, request.run_id.domain)
            if owner == "run_id"
            else (request.project_id.name, request.project_id.domain)
        )
        self._check_scope(project, domain)
        ignored = set(self._task_of(request).task_template.metadata.cache_ignore_input_vars)
        data = request.inputs.SerializeToString(deterministic=True)
        place = ("offloaded-inputs", hashlib.sha256(data).hexdigest()[:40])
        uri = self._uri(project, domain, *place)
        if request.base_dir:
            uri = "/".join((_ours(request.base_dir).rstrip("/"), project, domain, *place))
        self.objects.write(f"{uri}/inputs.pb", data)
        offloaded = common_run_pb2.OffloadedInputData(uri=uri, inputs_hash=hashing.inputs(request.inputs, ignored))
        return pb.UploadInputsResponse(offloaded_input_data=offloaded)

    def _task_of(self, request: pb.UploadInputsRequest) -> task_definition_pb2.TaskSpec:
        kind = request.WhichOneof("task")
        if kind is None:
            raise InvalidRequest("inputs are a task's: set task_spec, task_id or trigger_name")
        if kind == "task_spec":
            return request.task_spec
        if kind == "task_id":
            named = request.task_id
            key = TaskKey(named.project, named.domain, named.name, named.version)
        else:
            fired = request.trigger_name
            trigger = self.triggers.get(TriggerKey(fired.project, fired.domain, fired.task_name, fired.name))
            version = trigger_definition_pb2.TriggerSpec.FromString(trigger.spec).task_version or trigger.task_version
            key = TaskKey(fired.project, fired.domain, fired.task_name, version)
        return task_definition_pb2.TaskSpec.FromString(self.tasks.get(key).spec)

    # -- downloads ----------------------------------------------------------------------------------------------------

    async def get_action_data(self, request: pb.GetActionDataRequest, _ctx: Any) -> pb.GetActionDataResponse:
        """Return an action's inputs, and its outputs once there are any."""
        record = self._action(request.action_id)
        response = pb.GetActionDataResponse()
        if record.input_uri:
            response.inputs_uri = _file(record.input_uri, "inputs.pb")
            found = self._read(response.inputs_uri, common_pb2.Inputs, needed=record.type is ActionType.TASK)
            response.inputs.CopyFrom(found)
        if record.output_uri and record.phase.good:
            response.outputs_uri = self._outputs_of(record)
            found_outputs = self._read(response.outputs_uri, common_pb2.Outputs, needed=_has_outputs(self, record))
            response.outputs.CopyFrom(found_outputs)
        return response

    def _outputs_of(self, record: ActionRecord) -> str:
        return _file(record.output_uri, "outputs.pb")

    async def create_download_link(
        self, request: pb.CreateDownloadLinkRequest, _ctx: Any
    ) -> pb.CreateDownloadLinkResponse:
        """Tell where to download an attempt's report or its code; NOT_FOUND if it has none."""
        source = request.WhichOneof("source")
        if source is None:
            raise InvalidRequest("say whose artifact: set action_attempt_id or task_id")
        if source == "app_id":
            raise NotSupported("CreateDownloadLink of an app: the embedded backend runs no apps")
        content_type = ""
        if request.artifact_type == pb.ARTIFACT_TYPE_REPORT:
            if source != "action_attempt_id":
                raise InvalidRequest("a report is an attempt's: set action_attempt_id")
            uri, content_type = self._report(request), "text/html; charset=utf-8"
        elif request.artifact_type == pb.ARTIFACT_TYPE_CODE_BUNDLE:
            uri = self._bundle(request)
        else:
            raise InvalidRequest(f"artifact_type: {request.artifact_type} is neither a report nor a code bundle")
        expires_at = self._expiry(request.expires_in if request.HasField("expires_in") else None)
        url = self.signer.url(self.base_url(), "GET", uri, expires_at, content_type=content_type)
        signed = pb.PreSignedURLs(signed_url=[url], expires_at=to_timestamp(expires_at))
        return pb.CreateDownloadLinkResponse(pre_signed_urls=signed)

    def _report(self, request: pb.CreateDownloadLinkRequest) -> str:
        record = self._action(request.action_attempt_id.action_id)
        attempt = request.action_attempt_id.attempt or record.attempts
        prefix = output_prefix(record.run_output_base, record.key, attempt)
        candidates = [f"{prefix}/{name}" for name in self.reports]
        if attempt == record.attempts and record.report_uri:
            candidates.insert(0, record.report_uri)
        for uri in candidates:
            if self.objects.exists(uri):
                return uri
        raise NotFound(f"attempt {attempt} of {record.key} has written no report")

    def _bundle(self, request: pb.CreateDownloadLinkRequest) -> str:
        if request.WhichOneof("source") == "task_id":
            named = request.task_id
            key = TaskKey(named.project, named.domain, named.name, named.version)
            what, spec = f"task {key}", self.tasks.get(key).spec
        else:
            record = self._action(request.action_attempt_id.action_id)
            what, spec = f"action {record.key}", self.ledger.task_spec(record)
        arguments = list(task_definition_pb2.TaskSpec.FromString(spec).task_template.container.args)
        for option, value in itertools.pairwise(arguments):
            if option in _BUNDLE_OPTIONS:
                if not self.objects.exists(_ours(value)):
                    raise NotFound(f"the code of {what} should be {value}, which is not there")
                return str(value)
        raise NotFound(f"{what} has no code bundle: its code is in its image")

    # -- logs ---------------------------------------------------------------------------------------------------------

    async def tail_logs(self, request: pb.TailLogsRequest, _ctx: Any) -> AsyncIterator[pb.TailLogsResponse]:
        """Send an attempt's log and, while it is running, what comes; end with the attempt.

        An attempt that was refused has one line of ours, which says why. NOT_FOUND if there is no such action or
        attempt, and there will be none.
        """
        record = self._action(request.action_id)
        attempt = request.attempt or record.attempts
        if request.pod_name:
            raise NotFound(f"pod {request.pod_name!r}: the embedded backend has processes, no pods; leave pod_name out")
        if request.connector_endpoint:
            raise NotSupported("connector_endpoint: the embedded backend has no connectors; leave it out")
        if record.type is not ActionType.TASK:
            raise NotFound(f"{record.key} is no task, and only tasks write logs")
        if attempt > record.attempts and record.phase.terminal:
            raise NotFound(f"{record.key} has had {record.attempts} attempts; there will be no attempt {attempt}")
        yield pb.TailLogsResponse()  # the headers go out with the first message, and a client should know it is heard
        container = logs_pb2.ContainerIdentifier(
            cluster_name="embedded", kubernetes_pod_name=f"{record.key.run}-{record.key.name}-{attempt - 1}"
        )
        path = self.layout.log(record.key, attempt)
        async with self._end_of(record.key, attempt) as ended:
            async for lines in logs.follow(path, ended, self.clock):
                messages = [
                    logs_pb2.LogLine(
                        timestamp=to_timestamp(line.at), message=line.text, originator=logs_pb2.LogLineOriginator.USER
                    )
                    for line in lines
                ]
                some = [pb.TailLogsResponse.Logs(lines=messages, container=container)] if messages else []
                yield pb.TailLogsResponse(logs=some)
        if not path.exists():  # refused before a process was started: its log would have said why
            line = self._epitaph(record.key)
            yield pb.TailLogsResponse(logs=[pb.TailLogsResponse.Logs(lines=[line], container=container)])

    @asynccontextmanager
    async def _end_of(self, key: ActionKey, attempt: int) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set once the attempt has ended."""
        ended = asyncio.Event()

        def look(record: ActionRecord | None) -> None:
            if record is None or record.phase.terminal or record.attempts > attempt:
                ended.set()

        async def watch() -> None:
            async for record in changes:
                look(record)

        with self.hub.subscribe(of_action(key)) as changes:
            look(self.ledger.find(key))
            watching = asyncio.ensure_future(watch())
            try:
                yield ended
            finally:
                watching.cancel()

    def _epitaph(self, key: ActionKey) -> logs_pb2.LogLine:
        """Return the one line to show for an attempt that never ran."""
        record = self.ledger.find(key)
        text, at = "", self.clock.now()
        if record is not None:
            text, at = run_definition_pb2.ErrorInfo.FromString(record.error).message, record.ended_at or at
        return logs_pb2.LogLine(
            timestamp=to_timestamp(at),
            message=f"flyte-bridge: the attempt has no log: {text or 'it had no process'}\n",
            originator=logs_pb2.LogLineOriginator.SYSTEM,
        )

    # -- within -------------------------------------------------------------------------------------------------------

    def _action(self, identifier: Any) -> ActionRecord:
        run = identifier.run
        key = ActionKey(run.project, run.domain, run.name, identifier.name)
        record = self.ledger.find(key)
        if record is None:
            raise NotFound(f"there is no action {key}; `flyte get action {key.run}` lists the run's")
        return record

    def _check_scope(self, project: str, domain: str) -> None:
        self.projects.get(project)
        names.domain(domain)

    def _uri(self, project: str, domain: str, *parts: str) -> str:
        return self.objects.uri(project, domain, *parts)

    def _expiry(self, asked: Duration | None) -> Micros:
        seconds = MAX_EXPIRY if asked is None else asked.ToTimedelta().total_seconds()
        if not 0 < seconds <= MAX_EXPIRY:
            raise InvalidRequest(f"expires_in: {seconds:g} s is not above 0 and at most {MAX_EXPIRY:g} s")
        return self.clock.now() + round(seconds * 1_000_000)

    def _read(self, uri: str, kind: type[_Message], *, needed: bool) -> _Message:
        try:
            return kind.FromString(self.objects.read(uri))
        except NoSuchObject as error:
            if needed:
                raise NotFound(f"{uri} is not there; it may have been deleted") from error
            return kind()
        except BadObjectName as error:
            raise NotSupported(f"{uri} is not in the embedded object store; read it where it is") from error
        except DecodeError as error:
            raise NotFound(f"{uri} is no {kind.DESCRIPTOR.full_name}: {error}") from error


def _has_outputs(service: DataProxyService, record: ActionRecord) -> bool:
    if record.type is not ActionType.TASK:
        return False
    spec = task_definition_pb2.TaskSpec.FromString(service.ledger.task_spec(record))
    return len(spec.task_template.interface.outputs.variables) > 0


def _segments(path: str) -> list[str]:
    """Return a client's path as segments that lead nowhere but down."""
    segments = [segment for segment in path.split("/") if segment]
    if any(segment in {".", ".."} or "\0" in segment for segment in segments):
        raise InvalidRequest(f"{path!r}: a file name cannot have the segments . and ..")
    return segments


def _ours(uri: str) -> str:
    """Return a URI that is in the embedded store."""
    if not uri.startswith("s3://"):
        raise NotSupported(f"{uri}: the embedded backend stores objects under s3:// only; leave the base directory out")
    return uri


def _file(uri: str, name: str) -> str:
    """Return the file under a directory's URI, or the file itself."""
    return uri if uri.endswith(".pb") else f"{uri.rstrip('/')}/{name}"
