"""Values in answers: within them, and beyond what the caller can take as a URL to fetch them from.

flyteadmin sends up to 2 MiB of inputs or outputs itself and a signed URL for more (`remoteData.maxSizeInBytes`); how many
bytes there are it tells beside a URL alone. flytekit
takes messages of 20 MiB, and cannot follow a signed URL any more: fsspec (2024 and later) takes its `?` for a wildcard and
makes a directory of the file. So Python's clients are sent all that they can take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flyte_bridge.errors import ResourceExhausted

if TYPE_CHECKING:
    from flyteidl.core import literals_pb2

    from flyte_bridge.admin.context import CallContext
    from flyte_bridge.admin.reading import ExecutionReader

INLINE = 2 * 1024 * 1024
"""Bytes of inputs or outputs that every client is sent."""

MOST = 19 * 1024 * 1024
"""Bytes of a whole answer to a Python client; flytekit's limit less some room."""


async def blob(
    response: Any, name: str, values: literals_pb2.LiteralMap, uri: str, reader: ExecutionReader, context: CallContext
) -> None:
    """Puts inputs or outputs into an answer.

    Args:
        response: Has the fields `NAME` and `full_NAME`.
        name: `inputs` or `outputs`.
        values: What to tell.
        uri: Where they lie, empty if nobody knows.
        reader: Signs URLs.
        context: Tells what kind of client asks.

    Raises:
        ResourceExhausted: They are too large for an answer, and no URL can be signed.
    """
    size = values.ByteSize()
    described = getattr(response, name)
    described.SetInParent()
    agent = context.value("user-agent")
    most = MOST - response.ByteSize() if not agent or "grpc-python" in agent else INLINE
    if size > most:
        described.url = await reader.signed(uri) if uri else ""
        if described.url:
            described.bytes = size
            return
        if size > MOST - response.ByteSize():
            raise ResourceExhausted(
                f"{name} of {size:,} bytes are too large for an answer, and no URL can be signed for {uri or 'them'}; "
                "read them from the object store itself"
            )
    getattr(response, f"full_{name}").CopyFrom(values)
