"""What no clock and no column can hold is the caller's mistake, and one odd name spoils no list (issue 12, J)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import grpc
import pytest
from flyteidl.admin import common_pb2
from flyteidl.service import admin_pb2_grpc, dataproxy_pb2, dataproxy_pb2_grpc
from flyteidl2.cacheservice.v2 import cacheservice_pb2, cacheservice_pb2_grpc
from flyteidl2.dataproxy import dataproxy_service_pb2, dataproxy_service_pb2_grpc
from flyteidl2.workflow import run_service_pb2, run_service_pb2_grpc

import admitted
from flyte_bridge.embedded.objects import xml

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.embedded_client import instance

PLACE = {"project": "flytesnacks", "domain": "development"}


def _upload(channel: grpc.Channel, seconds: int) -> None:
    request = dataproxy_service_pb2.CreateUploadLocationRequest(filename="f", filename_root="r", **PLACE)
    request.expires_in.seconds = seconds
    dataproxy_service_pb2_grpc.DataProxyServiceStub(channel).CreateUploadLocation(request, timeout=30)


def _upload_1(channel: grpc.Channel, seconds: int) -> None:
    request = dataproxy_pb2.CreateUploadLocationRequest(filename="f", filename_root="r", **PLACE)
    request.expires_in.seconds = seconds
    dataproxy_pb2_grpc.DataProxyServiceStub(channel).CreateUploadLocation(request, timeout=30)


def _reserve(channel: grpc.Channel, seconds: int) -> None:
    request = cacheservice_pb2.GetOrExtendReservationRequest()
    request.identifier.project, request.identifier.domain = PLACE["project"], PLACE["domain"]
    request.base_request.key, request.base_request.owner_id = "k", "o"
    request.base_request.heartbeat_interval.seconds = seconds
    cacheservice_pb2_grpc.CacheServiceStub(channel).GetOrExtendReservation(request, timeout=30)


def _page(channel: grpc.Channel, number: int) -> None:
    request = common_pb2.ResourceListRequest(id=common_pb2.NamedEntityIdentifier(**PLACE), limit=10, token=str(number))
    admin_pb2_grpc.AdminServiceStub(channel).ListTasks(request, timeout=30)


def _groups(channel: grpc.Channel, seconds: int) -> None:
    request = run_service_pb2.WatchGroupsRequest()
    request.project_id.name, request.project_id.domain = PLACE["project"], PLACE["domain"]
    request.start_date.seconds, request.end_date.seconds = seconds, seconds
    list(run_service_pb2_grpc.RunServiceStub(channel).WatchGroups(request, timeout=30))


@pytest.mark.parametrize("call", [_upload, _upload_1, _reserve, _page, _groups])
@pytest.mark.parametrize("number", [2**62, -(2**62)])
def test_what_is_out_of_range_is_the_callers_mistake(
    backend: instance.Instance, call: Callable[[grpc.Channel, int], None], number: int
) -> None:
    """A duration or a page beyond reckoning is INVALID_ARGUMENT in both planes, and no defect of ours."""
    assert backend.access is not None
    with admitted.channel(backend.endpoint, backend.access) as channel, pytest.raises(grpc.RpcError) as refused:
        call(channel, number)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, refused.value.details()
    assert "defect" not in refused.value.details()


def test_every_text_makes_a_document_that_can_be_read() -> None:
    """A key with any character of Unicode is listed beside others, and spoils the list of none."""
    for code in [*range(0x20), 0x7F, 0xD800, 0xFFFE, 0xFFFF, 0x1F600]:
        document = xml.document("ListBucketResult", [("Key", f"a{chr(code)}b"), ("Key", "other")])
        first, second = ElementTree.fromstring(document)
        assert (first.text or "").startswith("a")
        assert second.text == "other"
