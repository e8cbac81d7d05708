"""What arrives deflated is inflated to what it may be and no further (issue 12, G)."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from flyteidl.admin import workflow_pb2
from flyteidl.core import compiler_pb2, literals_pb2

import admitted
from flyte_bridge.embedded import rpc
from flyte_bridge.embedded.objects import xml
from flyte_bridge.errors import InternalError
from flyte_bridge.registry import specs
from flyte_bridge_translators.wire import dynamic_closure, envelope, execution_settings, inflate

from .conftest import ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from flyte_bridge.embedded_client import instance

BOMB = zlib.compress(b"\0" * (512 << 20), 9)
"""Half a megabyte that holds half a gigabyte."""


def _envelope(announced: float) -> None:
    custom, _ = envelope.pack(envelope.Envelope(workflow_pb2.Workflow()))
    custom.update({"data": base64.b64encode(BOMB).decode(), "sizes": [announced]})
    envelope.unpack(custom)


def _closure() -> None:
    binary = literals_pb2.Binary(tag=dynamic_closure.TAG, value=BOMB)
    dynamic_closure.from_outputs(
        {dynamic_closure.NAME: literals_pb2.Literal(scalar=literals_pb2.Scalar(binary=binary))}
    )


@pytest.mark.parametrize(
    ("read", "refusal"),
    [
        (lambda: _envelope(100), envelope.BadEnvelope),
        (lambda: _envelope(512 << 20), envelope.BadEnvelope),
        (lambda: _envelope(-1), envelope.BadEnvelope),
        (_closure, dynamic_closure.BadClosureRecord),
        (
            lambda: execution_settings.inflate(base64.b64encode(BOMB).decode(), compiler_pb2.CompiledTask),
            execution_settings.BadExecution,
        ),
        (lambda: specs._unpack(base64.b64encode(BOMB).decode(), compiler_pb2.CompiledTask), InternalError),
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(read: Callable[[], object], refusal: type[Exception]) -> None:
    """Whatever is kept deflated: it is refused by name, and costs no more memory than a message may."""
    tracemalloc.start()
    try:
        with pytest.raises(refusal, match=r"more than|announced|instead of"):
            read()
        assert tracemalloc.get_traced_memory()[1] < 3 * inflate.MOST
    finally:
        tracemalloc.stop()


def test_what_is_whole_comes_back_and_what_is_cut_off_does_not() -> None:
    """The bound is the last byte that may be there; a missing end is told."""
    packed = zlib.compress(b"x" * 1000)
    assert inflate.inflate(packed, 1000) == b"x" * 1000
    with pytest.raises(inflate.TooMuch):
        inflate.inflate(packed, 999)
    with pytest.raises(inflate.BadDeflate, match="cut off"):
        inflate.inflate(packed[:-3])


def test_a_compressed_request_is_inflated_to_the_limit_of_a_message(backend: instance.Instance) -> None:
    """Connect's gzip: a bomb is RESOURCE_EXHAUSTED, what is no gzip INVALID_ARGUMENT, and the backend goes on."""
    path = "/flyteidl2.project.ProjectService/ListProjects"
    assert backend.access is not None
    headers = {"content_type": "application/proto", "content_encoding": "gzip", **admitted.headers(backend.access)}
    bomb = gzip.compress(b"\0" * (rpc.MAX_MESSAGE * 4), 6)
    answer = ask(backend, "POST", path, bomb, **headers)
    assert (answer.status, b"resource_exhausted" in answer.body) == (429, True)
    answer = ask(backend, "POST", path, b"no gzip", **headers)
    assert (answer.status, b"invalid_argument" in answer.body) == (400, True)
    assert ask(backend, "POST", path, gzip.compress(b""), **headers).status == 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "cp037"])
def test_no_document_of_the_object_store_has_entities(encoding: str) -> None:
    """A document type is refused in whichever encoding a request's document comes, before it is looked into."""
    told = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    entities = '<!DOCTYPE a [<!ENTITY x "x"><!ENTITY y "&x;&x;&x;&x;">]>'
    inner = "<Delete><Object><Key>{}</Key></Object></Delete>"
    with pytest.raises(ValueError, match=r"document types|decode|character 0|not well-formed"):
        xml.parse(f"{told}{entities}{inner.format('&y;')}".encode(encoding), "Delete")
    if encoding.startswith("utf-8"):
        assert xml.parse(f"{told}{inner.format('é')}".encode(encoding), "Delete").findtext("Object/Key") == "é"
