"""ImageService: every image exists, because none is pulled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from flyteidl2.imagebuilder import definition_pb2, payload_pb2

if TYPE_CHECKING:
    from .conftest import Running


def test_any_image_is_there(running: Running) -> None:
    """Whatever is asked for has a full name with its own name in it."""
    identifier = definition_pb2.ImageIdentifier(name="flyte:abc")
    image = running.images.get_image(payload_pb2.GetImageRequest(id=identifier)).image
    assert (image.id, image.fqin) == (identifier, "embedded/flyte:abc")


def test_an_image_needs_a_name(running: Running) -> None:
    """No name, no image."""
    with pytest.raises(ConnectError) as error:
        running.images.get_image(payload_pb2.GetImageRequest())
    assert error.value.code is Code.INVALID_ARGUMENT
