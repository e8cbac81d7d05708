"""A control plane in which nothing was registered, on a backend of the tests' own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest

from flyte_bridge.embedded_client import instance
from recorded.calls import Plane

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKFLOWS = Path(__file__).with_name("workflows")


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """As any client reaches it: over its own port."""
    data_dir = tmp_path_factory.mktemp("recorded") / "data"
    with pytest.MonkeyPatch.context() as patch:  # tasks import the modules of `workflows/`
        patch.setenv("PYTHONPATH", os.pathsep.join([str(WORKFLOWS), *filter(None, [os.environ.get("PYTHONPATH")])]))
        running = instance.start(data_dir, require_token=False)
    with grpc.insecure_channel(running.endpoint, options=[("grpc.max_receive_message_length", 100 << 20)]) as channel:
        yield Plane(channel)
    instance.stop(data_dir)
