"""A backend that `flyte-bridge up` would start, and its port spoken to by hand."""

from __future__ import annotations

import http.client
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from flyte_bridge.embedded_client import instance

if TYPE_CHECKING:
    from collections.abc import Iterator

CODE = Path(__file__).with_name("code")

KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
"""All that a user's programs get of this process's environment."""


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[instance.Instance]:
    """A backend as everybody starts it."""
    data_dir = tmp_path_factory.mktemp("trust") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(CODE), os.environ.get("PYTHONPATH", "")]))  # tasks import it
        running = instance.start(data_dir)
    yield running
    instance.stop(data_dir)


@dataclass
class Answer:
    """What a request was answered with."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def ask(running: instance.Instance, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """One request by HTTP/1.1, with these headers and no others than its length and host.

    Args:
        running: Whom to ask.
        method: HTTP's.
        path: With its query.
        body: Sent if not None.
        **headers: With `_` for `-`; `host` replaces the right one.
    """
    connection = http.client.HTTPConnection(instance.HOST, running.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        told: dict[str, Any] = {"host": running.endpoint, **headers}
        for name, value in told.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None:
            connection.putheader("content-length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})
    finally:
        connection.close()


def user_environment(home: Any) -> dict[str, str]:
    """A user without configuration."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    return env | {
        "HOME": str(home),
        "DO_NOT_TRACK": "1",
        "FLYTE_DISABLE_TELEMETRY": "1",
        "COLUMNS": "200",
        "NO_COLOR": "1",
    }
