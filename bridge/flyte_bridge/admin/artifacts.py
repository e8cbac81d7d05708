"""DataProxyService's half that knows executions: `flyte://` URLs, and links to decks."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from flyteidl.admin import node_execution_pb2, task_execution_pb2
from flyteidl.core import identifier_pb2
from flyteidl.service import dataproxy_pb2
from flyteidl2.common import identifier_pb2 as v2_identifier_pb2

from flyte_bridge.admin import expiry, validation
from flyte_bridge.admin.task_executions import TaskCalls
from flyte_bridge.errors import InvalidRequest, NotFound
from flyte_bridge_translators.wire.enum_name import enum_name

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

    from flyte_bridge.admin.context import CallContext

DECK_LIFE = expiry.LONGEST
"""How long a deck's URL is good for, where nothing else is asked for."""

_PART = "[a-zA-Z0-9_-]+"
_WRONG = "error while validating request. Error:"
_UNRESOLVED = "failed to validate resolve artifact request. Error:"

_URL = re.compile(
    rf"flyte://v1/(?P<project>{_PART})/(?P<domain>{_PART})/(?P<execution>{_PART})/(?P<node>{_PART})"
    rf"(?:/(?P<attempt>[0-9]+))?/(?P<kind>[iod])(?:/(?P<name>{_PART}))?"
)
"""As flyteadmin reads them (`pkg/common/flyte_url.go`); a deck has no part of a name."""


class ArtifactCalls(TaskCalls):
    """Data by URL."""

    async def get_data(
        self, request: dataproxy_pb2.GetDataRequest, context: CallContext
    ) -> dataproxy_pb2.GetDataResponse:
        """What a `flyte://` URL names: inputs or outputs of a node or an attempt, one of them, or a deck.

        Raises:
            InvalidRequest: The URL cannot be read, or there is nothing of that name.
            NotFound: There is no such node, attempt or deck.
        """
        if not request.flyte_url:
            raise InvalidRequest(f"{_UNRESOLVED} source is required. Provided empty string")
        if not request.flyte_url.startswith("flyte://"):
            raise InvalidRequest(f"{_UNRESOLVED} request does not start with the correct prefix")
        found = _URL.fullmatch(request.flyte_url)
        if found is None or (found["kind"] == "d" and found["name"]):
            raise InvalidRequest(f"failed to parse artifact url Error: failed to parse [{request.flyte_url}]")
        node = identifier_pb2.NodeExecutionIdentifier(node_id=found["node"])
        node.execution_id.project, node.execution_id.domain = found["project"], found["domain"]
        node.execution_id.name = found["execution"]
        if found["kind"] == "d":
            if found["attempt"]:
                raise InvalidRequest("deck type cannot be specified with a retry attempt, just use the node instead")
            asked = dataproxy_pb2.CreateDownloadLinkRequest(
                artifact_type=dataproxy_pb2.ARTIFACT_TYPE_DECK, node_execution_id=node
            )
            link = await self.create_download_link(asked, context)
            return dataproxy_pb2.GetDataResponse(pre_signed_urls=link.pre_signed_urls)
        values = await self._values(node, found["attempt"], found["kind"], context)
        if not found["name"]:
            return dataproxy_pb2.GetDataResponse(literal_map=values)
        if found["name"] not in values.literals:
            what = "task" if found["attempt"] else "node"
            raise InvalidRequest(
                f"name [{found['name']}] not found in {what} execution [{validation.text(node)}]; there are: "
                f"{', '.join(sorted(values.literals)) or 'none'}"
            )
        return dataproxy_pb2.GetDataResponse(literal=values.literals[found["name"]])

    async def _values(
        self, node: identifier_pb2.NodeExecutionIdentifier, attempt: str | None, kind: str, context: CallContext
    ) -> literals_pb2.LiteralMap:
        if attempt:
            task = identifier_pb2.TaskExecutionIdentifier(node_execution_id=node, retry_attempt=int(attempt))
            request = task_execution_pb2.TaskExecutionGetDataRequest(id=task)
            try:
                task_data = await self.attempt_data(request, context)
            except NotFound:
                raise InvalidRequest(
                    f"no task executions were listed [{validation.text(task)}]. Error: <nil>"
                ) from None
            return task_data.full_inputs if kind == "i" else task_data.full_outputs
        data = await self.get_node_execution_data(node_execution_pb2.NodeExecutionGetDataRequest(id=node), context)
        return data.full_inputs if kind == "i" else data.full_outputs

    async def create_download_link(
        self, request: dataproxy_pb2.CreateDownloadLinkRequest, context: CallContext
    ) -> dataproxy_pb2.CreateDownloadLinkResponse:
        """A signed URL of a node's deck.

        Raises:
            InvalidRequest: There is no such node, or it is no deck that is asked for.
            NotFound: The node has no deck.
        """
        expiry.checked(request.expires_in if request.HasField("expires_in") else None, _WRONG)
        if request.artifact_type != dataproxy_pb2.ARTIFACT_TYPE_DECK:
            kind = enum_name(dataproxy_pb2.ArtifactType, request.artifact_type)
            raise InvalidRequest(f"{_WRONG} invalid artifact type [{kind}]")
        if not request.HasField("node_execution_id"):
            raise InvalidRequest(f"{_WRONG} source is required. Provided nil")
        asked = validation.node_execution(request, "node_execution_id")
        try:
            snapshot, view = await self._node(asked, context)
        except NotFound as error:
            raise InvalidRequest(f"failed to find node execution [{validation.text(asked)}]. Error: {error}") from None
        details = await self._details(snapshot, view, context)
        action = snapshot.action_of(view)
        report = details.attempts[-1].outputs.report_uri if details is not None and details.attempts else ""
        if not report or action is None or details is None:
            told = dataproxy_pb2.CreateDownloadLinkRequest()
            told.CopyFrom(request)
            if not told.HasField("expires_in"):
                told.expires_in.FromTimedelta(DECK_LIFE)
            raise NotFound(f"no deckUrl found for request [{validation.text(told)}]")
        attempt = v2_identifier_pb2.ActionAttemptIdentifier(action_id=action, attempt=details.attempts[-1].attempt)
        life = request.expires_in.ToTimedelta() if request.HasField("expires_in") else None
        response = dataproxy_pb2.CreateDownloadLinkResponse()
        try:
            link = await self.reader.backend.create_download_link(attempt=attempt, expires_in=life)
            response.pre_signed_urls.ParseFromString(link.SerializeToString())
        except NotFound:  # the Go backend knows one name only, and that is not flytekit's
            response.pre_signed_urls.signed_url.append(await self.reader.sign(report, life or DECK_LIFE))
            response.pre_signed_urls.expires_at.FromDatetime(datetime.now(timezone.utc) + (life or DECK_LIFE))
        response.signed_url.extend(response.pre_signed_urls.signed_url)
        response.expires_at.CopyFrom(response.pre_signed_urls.expires_at)
        return response
