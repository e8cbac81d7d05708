"""What runs read and write: inputs, outputs, uploads, links, logs; and who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flyteidl2.auth import auth_service_pb2, identity_pb2
from flyteidl2.dataproxy import dataproxy_service_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import timedelta

    from flyteidl2.common import identifier_pb2, run_pb2
    from flyteidl2.task import common_pb2, task_definition_pb2

    from flyte_bridge.backend.caller import Caller

DATA = "/flyteidl2.dataproxy.DataProxyService"
AUTH = "/flyteidl2.auth.AuthMetadataService"


class DataVerbs:
    """Data, by the backend's own hands: no storage credentials are needed for these."""

    caller: Caller

    async def get_action_data(
        self, *, action_id: identifier_pb2.ActionIdentifier
    ) -> dataproxy_service_pb2.GetActionDataResponse:
        """An action's inputs and, once it has succeeded, its outputs; and where they are.

        Raises:
            NotFound: There is no such action.
        """
        request = dataproxy_service_pb2.GetActionDataRequest(action_id=action_id)
        return await self.caller.unary(f"{DATA}/GetActionData", request, dataproxy_service_pb2.GetActionDataResponse)

    async def upload_inputs(
        self,
        *,
        inputs: common_pb2.Inputs,
        run_id: identifier_pb2.RunIdentifier | None = None,
        project_id: identifier_pb2.ProjectIdentifier | None = None,
        task_id: task_definition_pb2.TaskIdentifier | None = None,
        task_spec: task_definition_pb2.TaskSpec | None = None,
        trigger_name: identifier_pb2.TriggerName | None = None,
    ) -> run_pb2.OffloadedInputData:
        """Stores inputs for a run to come.

        Args:
            inputs: What to store.
            run_id: The run's identity; or
            project_id: where it shall be.
            task_id: Its task, or
            task_spec: its task as it is, or
            trigger_name: its trigger: they say which inputs the cache ignores.

        Returns:
            Where they are, and their hash; for `create_run`.
        """
        request = dataproxy_service_pb2.UploadInputsRequest(
            run_id=run_id,
            project_id=project_id,
            task_id=task_id,
            task_spec=task_spec,
            trigger_name=trigger_name,
            inputs=inputs,
        )
        kind = dataproxy_service_pb2.UploadInputsResponse
        return (await self.caller.unary(f"{DATA}/UploadInputs", request, kind)).offloaded_input_data

    async def create_upload_location(
        self,
        *,
        project: str,
        domain: str,
        filename: str = "",
        filename_root: str = "",
        content_md5: bytes = b"",
        expires_in: timedelta | None = None,
        add_content_md5_metadata: bool = False,
        content_length: int = 0,
        org: str = "",
    ) -> dataproxy_service_pb2.CreateUploadLocationResponse:
        """A signed URL to PUT a file to, the headers to send along (never its length), and the file's URI then.

        Raises:
            InvalidRequest: Neither root nor checksum are given, or the life is too long.
            AlreadyExists: Another file is there already.
        """
        request = dataproxy_service_pb2.CreateUploadLocationRequest(
            project=project,
            domain=domain,
            filename=filename,
            filename_root=filename_root,
            content_md5=content_md5,
            add_content_md5_metadata=add_content_md5_metadata,
            content_length=content_length,
            org=org,
        )
        if expires_in is not None:
            request.expires_in.FromTimedelta(expires_in)
        kind = dataproxy_service_pb2.CreateUploadLocationResponse
        location = await self.caller.unary(f"{DATA}/CreateUploadLocation", request, kind)
        # the Go backend says the length of the checksum's text (24), also for Google and Azure; a client that sends that
        # has its file cut off or refused, and every client knows the length of what it sends
        for name in [name for name in location.headers if name.lower() == "content-length"]:
            del location.headers[name]
        return location

    async def create_download_link(
        self, *, attempt: identifier_pb2.ActionAttemptIdentifier, expires_in: timedelta | None = None
    ) -> dataproxy_service_pb2.PreSignedURLs:
        """Signed URLs of an attempt's report.

        Raises:
            NotFound: There is none.
        """
        request = dataproxy_service_pb2.CreateDownloadLinkRequest(
            artifact_type=dataproxy_service_pb2.ARTIFACT_TYPE_REPORT, action_attempt_id=attempt
        )
        if expires_in is not None:
            request.expires_in.FromTimedelta(expires_in)
        kind = dataproxy_service_pb2.CreateDownloadLinkResponse
        return (await self.caller.unary(f"{DATA}/CreateDownloadLink", request, kind)).pre_signed_urls

    async def tail_logs(
        self, *, action_id: identifier_pb2.ActionIdentifier, attempt: int = 1
    ) -> AsyncIterator[dataproxy_service_pb2.TailLogsResponse]:
        """An attempt's log, and what is added to it until it ends.

        Raises:
            NotFound: There is none, or not any more.
        """
        request = dataproxy_service_pb2.TailLogsRequest(action_id=action_id, attempt=attempt)
        async for message in self.caller.stream(f"{DATA}/TailLogs", request, dataproxy_service_pb2.TailLogsResponse):
            yield message


class IdentityVerbs:
    """Who asks."""

    caller: Caller

    async def user_info(self) -> identity_pb2.UserInfoResponse:
        """What the backend knows of its caller.

        Raises:
            Unauthenticated: Nothing.
        """
        return await self.caller.unary(
            "/flyteidl2.auth.IdentityService/UserInfo", identity_pb2.UserInfoRequest(), identity_pb2.UserInfoResponse
        )

    async def oauth2_metadata(self) -> auth_service_pb2.GetOAuth2MetadataResponse:
        """Where tokens for the backend are to be had.

        Raises:
            Unimplemented: It asks for none.
        """
        kind = auth_service_pb2.GetOAuth2MetadataResponse
        return await self.caller.unary(f"{AUTH}/GetOAuth2Metadata", auth_service_pb2.GetOAuth2MetadataRequest(), kind)

    async def public_client_config(self) -> auth_service_pb2.GetPublicClientConfigResponse:
        """What an application without a secret of its own, such as a command line, logs in as.

        Raises:
            Unimplemented: The backend asks for no login.
        """
        kind = auth_service_pb2.GetPublicClientConfigResponse
        request = auth_service_pb2.GetPublicClientConfigRequest()
        return await self.caller.unary(f"{AUTH}/GetPublicClientConfig", request, kind)
