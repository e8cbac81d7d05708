"""What lets the benchmarks into the backends that they start: the tests' own clients with a token, by instance."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import admitted
from flyte_bridge.backend.client import BackendClient
from flyte_bridge.embedded_client import snippets

if TYPE_CHECKING:
    import grpc
    from flytekit.configuration import Config

    from flyte_bridge.embedded_client.access import Access
    from flyte_bridge.embedded_client.instance import Instance


def channel(running: Instance, endpoint: str = "") -> grpc.Channel:
    """A gRPC channel to a backend, or to a gateway before it at `endpoint`."""
    return admitted.channel(endpoint or running.endpoint, access(running))


def client(running: Instance) -> BackendClient:
    """The bridge's own client of a backend."""
    return BackendClient(admitted.caller(running.endpoint, access(running)))


def path(running: Instance) -> str:
    """`host:port/…` of a backend, for clients that can send no token."""
    return f"{running.endpoint}/{access(running).segment}"


def flytekit(running: Instance) -> Config:
    """The configuration of flytekit's own clients, as `flyte-bridge up` prints it."""
    from flytekit.configuration import Config

    os.environ.update(snippets.flytekit_environment(running))
    return Config.auto()


def access(running: Instance) -> Access:
    """What opens a backend that this process has started."""
    assert running.access is not None
    return running.access
