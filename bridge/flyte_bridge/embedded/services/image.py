"""ImageService: every image exists, because none is pulled.

With `image.builder: remote` the SDK asks here before it would build; the answer keeps it from building. The executor
maps the image's name to an interpreter.
"""

from __future__ import annotations

from typing import Any

from flyteidl2.imagebuilder import definition_pb2, payload_pb2

from flyte_bridge.embedded.faults import InvalidRequest

REGISTRY = "embedded"
"""Where our images are said to be; a registry nobody can push to."""


class ImageService:
    """Images."""

    async def get_image(self, request: payload_pb2.GetImageRequest, _ctx: Any) -> payload_pb2.GetImageResponse:
        """Tell an image's full name; INVALID_ARGUMENT if none is asked for."""
        name = request.id.name
        if not name:
            raise InvalidRequest("an image needs a name, as in `flyte:py3.11-v2.0`")
        image = definition_pb2.Image(id=request.id, fqin=f"{REGISTRY}/{name}")
        return payload_pb2.GetImageResponse(image=image)
