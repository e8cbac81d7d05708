"""A control plane in which nothing was registered, on a backend of the tests' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest

from flyte_bridge.embedded_client import instance
from recorded.calls import Plane

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """As any client reaches it: over its own port; the registry that is replayed has to be empty."""
    data_dir = tmp_path_factory.mktemp("recorded") / "data"
    running = instance.start(data_dir, require_token=False)
    with grpc.insecure_channel(running.endpoint, options=[("grpc.max_receive_message_length", 100 << 20)]) as channel:
        yield Plane(channel)
    instance.stop(data_dir)
