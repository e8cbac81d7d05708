"""DataProxyService, the Go backend's way: an upload is told the length of something else, and one name is a report's."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, ClassVar

from flyte_bridge.embedded.model import ActionType
from flyte_bridge.embedded.services.data_proxy import DataProxyService
from flyte_bridge.errors import InternalError

if TYPE_CHECKING:
    from flyteidl2.dataproxy import dataproxy_service_pb2 as pb

    from flyte_bridge.embedded.model import ActionRecord


class GoDataProxyService(DataProxyService):
    """Uploads and downloads."""

    reports: ClassVar[tuple[str, ...]] = ("report.html",)

    def _outputs_of(self, record: ActionRecord) -> str:
        """The very object that a trace names; a directory is none."""
        return record.output_uri if record.type is ActionType.TRACE else super()._outputs_of(record)

    async def get_action_data(self, request: pb.GetActionDataRequest, ctx: Any) -> pb.GetActionDataResponse:
        """Inputs and outputs; a trace's outputs are read from what it names, be that an error."""
        record = self._action(request.action_id)
        if record.type is ActionType.TRACE and record.output_uri.endswith("error.pb"):
            raise InternalError(
                f"failed to read outputs from {record.output_uri}: proto: cannot parse invalid wire-format data"
            )
        return await super().get_action_data(request, ctx)

    async def create_upload_location(
        self, request: pb.CreateUploadLocationRequest, ctx: Any
    ) -> pb.CreateUploadLocationResponse:
        """With the length of the checksum's text among the headers."""
        response = await super().create_upload_location(request, ctx)
        if request.content_md5:
            response.headers["Content-Length"] = str(len(base64.b64encode(request.content_md5)))
        return response
