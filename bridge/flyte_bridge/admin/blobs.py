"""Values in answers: within them, and beyond flyteadmin's limit as a URL to fetch them from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ResourceExhausted

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

    from .reading import Reader

INLINE = 2 * 1024 * 1024
"""Bytes of inputs or outputs that an answer holds; more is told by a signed URL (`remoteData.maxSizeInBytes`)."""

MOST = 18 * 1024 * 1024
"""Bytes that an answer can hold where no URL can be signed: flytekit takes 20 MiB for all of it."""


async def blob(response: Any, name: str, values: literals_pb2.LiteralMap, uri: str, reader: Reader) -> None:
    """Puts inputs or outputs into an answer.

    Args:
        response: Has the fields `NAME` and `full_NAME`.
        name: `inputs` or `outputs`.
        values: What to tell.
        uri: Where they lie, empty if nobody knows.
        reader: Signs URLs.

    Raises:
        ResourceExhausted: They are too large for an answer, and no URL can be signed.
    """
    size = values.ByteSize()
    described = getattr(response, name)
    described.bytes = size
    if size >= INLINE and uri:
        described.url = await reader.signed(uri)
        if described.url:
            return
    if size > MOST:
        raise ResourceExhausted(
            f"{name} of {size:,} bytes are too large for an answer, and no URL can be signed for {uri or 'them'}; "
            "read them from the object store itself"
        )
    getattr(response, f"full_{name}").CopyFrom(values)
